"""What all kinds of credentials have in common."""

import hashlib
from typing import Final, Protocol

from pydantic import SecretStr

from wxbus.api.credentials import FetchedToken, is_token_accepted
from wxbus.api.http import WeChatHttp
from wxbus.errors import WxbusError

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of the kind, not a token


class Missing(WxbusError):
    """What the credential is fetched with has not reached us yet; WeChat was not asked."""


class Credential(Protocol):
    """One credential of one account, and how WeChat gives it."""

    @property
    def kind(self) -> str:
        """WeChat's name for it."""

    @property
    def appid(self) -> str:
        """Whose it is."""

    @property
    def fingerprint(self) -> str:
        """Changes when what we ask with (the secret) changes: a refusal of the old one then counts no more."""

    @property
    def on_demand(self) -> bool:
        """Whether it is kept valid only from the first time on that somebody wants it."""

    @property
    def repeatable(self) -> bool:
        """Whether asking again gives the same value and ends none, so that two who ask at once do no harm."""

    @property
    def forcible(self) -> bool:
        """Whether WeChat replaces the value on demand (`force`); if not, the one that it gives is valid."""

    @property
    def checkable(self) -> bool:
        """Whether WeChat has a call that tells whether a value is valid without fetching another."""

    async def accepted(self, value: str) -> bool:
        """Ask WeChat whether it accepts the value. Only where `checkable`.

        Raises:
            WeChatUnavailable: No usable answer, so it is not known.
        """

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat.

        Args:
            means: What is kept beside the value to fetch the next one with: a refresh token, a ticket; None if nothing.
            force: Replace the value: the one before becomes invalid at once. Only where `forcible`.

        Raises:
            WeChatError: WeChat refuses.
            WeChatUnavailable: No usable answer.
            Missing: There are no means.
            TokenUnavailable: Another credential, with which this one is fetched, cannot be had.
        """


class BySecret:
    """What is fetched with an account's secret: kept valid whether or not somebody has asked for it."""

    on_demand = False
    checkable = True

    def __init__(self, http: WeChatHttp, appid: str, secret: SecretStr) -> None:
        self._http = http
        self._secret = secret
        self.appid = appid
        # With its way: what WeChat refused one way it may grant another.
        self.fingerprint = digest_of(f"{type(self).__name__}:{secret.get_secret_value()}")

    async def accepted(self, value: str) -> bool:
        """Ask WeChat (see Credential)."""
        return await is_token_accepted(self._http, value)


def digest_of(value: str) -> str:
    """Return what stands for a token or a secret in Redis and logs: both are too random to be guessed from it."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
