"""Session tokens: 256 random bits, of which only the hash is stored."""

import base64
import hashlib
import re
import secrets
from typing import Final

from wxbus.store.keyring import Keyring

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
RENEWAL: Final = "session token"
"""Context of the keyed hash."""


def new_token() -> str:
    """Return a new token."""
    return _encoded(secrets.token_bytes(32))


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token."""
    return TOKEN.fullmatch(text) is not None


def id_of(token: str) -> str:
    """Return the id of the token's session; the token cannot be computed from it."""
    return hashlib.sha256(token.encode()).hexdigest()


def successor(token: str, keyring: Keyring) -> str:
    """Return the token that replaces this one.

    It is a keyed hash: concurrent calls and repeated ones get the same successor, also from other gateways, and the old
    token alone is not enough to compute it.
    """
    _key_id, _, digest = keyring.fingerprints(token, context=RENEWAL)[0].rpartition(":")
    return _encoded(bytes.fromhex(digest))


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
