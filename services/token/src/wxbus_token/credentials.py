"""The kinds of credentials that we keep valid; a new kind is one small class."""

import hashlib
from typing import Protocol

from pydantic import SecretStr

from wxbus.accounts import Account
from wxbus.api.http import WeChatHttp
from wxbus.api.stable_token import FetchedToken, fetch_stable_token


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

    async def fetch(self, *, force: bool) -> FetchedToken:
        """Ask WeChat. With `force` the value before becomes invalid at once.

        Raises:
            WeChatError: WeChat refuses.
            WeChatUnavailable: No usable answer.
        """


class StableAccessToken:
    """`access_token` by `stable_token`: repeated calls give the same one (protocol reference 8.1)."""

    kind = "access_token"

    def __init__(self, http: WeChatHttp, appid: str, secret: SecretStr) -> None:
        self._http = http
        self._secret = secret
        self.appid = appid
        self.fingerprint = digest_of(secret.get_secret_value())

    async def fetch(self, *, force: bool) -> FetchedToken:
        """Ask WeChat (see Credential)."""
        return await fetch_stable_token(self._http, self.appid, self._secret, force_refresh=force)


def credentials_of(account: Account, http: WeChatHttp) -> list[Credential]:
    """Return what an account can have; nothing for one without a secret."""
    return [] if account.secret is None else [StableAccessToken(http, account.appid, account.secret)]


def digest_of(value: str) -> str:
    """Return what stands for a token or a secret in Redis and logs: both are too random to be guessed from it."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
