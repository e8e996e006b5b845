"""The kinds of credentials that are kept valid; a new kind is one small class."""

from wxbus_token.kinds.base import ACCESS_TOKEN, Credential, GrantMissing, digest_of
from wxbus_token.kinds.catalogue import Sources, authorizer_credentials, credentials_of
from wxbus_token.kinds.platform import AUTHORIZER_ACCESS_TOKEN, COMPONENT_ACCESS_TOKEN

__all__ = [
    "ACCESS_TOKEN",
    "AUTHORIZER_ACCESS_TOKEN",
    "COMPONENT_ACCESS_TOKEN",
    "Credential",
    "GrantMissing",
    "Sources",
    "authorizer_credentials",
    "credentials_of",
    "digest_of",
]
