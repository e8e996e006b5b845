"""The base classes of all kinds of credentials."""

import hashlib
from abc import ABC, abstractmethod
from typing import Final

from pydantic import SecretStr

from wxbus.api.credentials import FetchedToken, is_token_accepted
from wxbus.api.http import WeChatHttp
from wxbus.errors import WxbusError

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of the kind, not a token


class GrantMissing(WxbusError):
    """The ticket or refresh token that the fetch needs has not arrived yet; WeChat was not asked."""


class Credential(ABC):
    """One credential of one account, and the calls of WeChat that fetch and check it.

    A *grant* is a refresh token or a component_verify_ticket, which some kinds need for a fetch besides the secret.
    """

    kind: str
    """WeChat's name for it."""
    on_demand: bool = False
    """Kept valid only after its first use."""
    idempotent: bool = False
    """Fetching again returns the same value and invalidates none, so concurrent fetches do no harm."""
    forcible: bool = False
    """WeChat replaces the value on demand (`force_refresh`); otherwise every value that it issues is valid."""

    def __init__(self, http: WeChatHttp, appid: str, fingerprint: str) -> None:
        """`fingerprint` changes with the input of a fetch: a refusal of an old secret does not apply to a new one."""
        self._http = http
        self.appid = appid
        self.fingerprint = fingerprint

    @property
    def name(self) -> str:
        """Return kind and appid, as in Redis and in announcements; the value is encrypted for this name."""
        return f"{self.kind}:{self.appid}"

    @property
    def grant_name(self) -> str:
        """Return the name for which the grant is encrypted."""
        return f"{self.name}:grant"

    async def accepted(self, value: str) -> bool | None:
        """Return whether WeChat accepts the value; None if it has no call that checks this kind.

        Raises:
            WeChatUnavailable: No usable answer.
        """
        return await is_token_accepted(self._http, value)

    @abstractmethod
    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:
        """Return a value from WeChat.

        Args:
            grant: The stored grant, None if there is none.
            force: Replace the value; the previous value becomes invalid at once. Only if `forcible`.

        Raises:
            WeChatError: WeChat refuses.
            WeChatUnavailable: No usable answer.
            GrantMissing: The kind needs a grant, and there is none.
            TokenUnavailable: The token with which WeChat is called is not available.
        """


class SecretCredential(Credential):
    """A credential fetched with the account's secret."""

    def __init__(self, http: WeChatHttp, appid: str, secret: SecretStr) -> None:
        # The class is part of the fingerprint: a secret that one call refuses may be accepted by another.
        super().__init__(http, appid, digest_of(f"{type(self).__name__}:{secret.get_secret_value()}"))
        self._secret = secret


def digest_of(value: str) -> str:
    """Return the digest that represents a token or a secret in Redis and logs; both are too random to be guessed."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
