"""Access tokens that are fetched with an account's secret."""

from pydantic import SecretStr

from wxbus.api.credentials import FetchedToken, fetch_classic_token, fetch_stable_token, fetch_wecom_token
from wxbus.api.http import WeChatHttp
from wxbus_token.kinds.base import ACCESS_TOKEN, SecretCredential


class StableAccessToken(SecretCredential):
    """`access_token` by `stable_token`: repeated calls return the same token (protocol reference 8.1)."""

    kind = ACCESS_TOKEN
    idempotent = True
    forcible = True

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:
        """Return a value from WeChat (see Credential)."""
        return await fetch_stable_token(self._http, self.appid, self._secret, force_refresh=force)


class ClassicAccessToken(SecretCredential):
    """`access_token` by `/cgi-bin/token`: each call makes a new token; the one before ends after five minutes."""

    kind = ACCESS_TOKEN

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Return a value from WeChat (see Credential)."""
        return await fetch_classic_token(self._http, self.appid, self._secret)


class WeComAccessToken(SecretCredential):
    """`access_token` of a WeCom application: repeated calls return the same token (protocol reference 8.4)."""

    kind = ACCESS_TOKEN
    idempotent = True

    def __init__(self, http: WeChatHttp, appid: str, corpid: str, secret: SecretStr) -> None:
        """`appid` is our id of the application, `corpid` that of the company it belongs to."""
        super().__init__(http, appid, secret)
        self._corpid = corpid

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - WeCom has no force
        """Return a value from WeCom (see Credential)."""
        return await fetch_wecom_token(self._http, self._corpid, self._secret)
