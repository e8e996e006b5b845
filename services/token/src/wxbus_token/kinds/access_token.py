"""Access tokens that are fetched with an account's secret: three ways, by what the account is."""

from pydantic import SecretStr

from wxbus.api.credentials import FetchedToken, fetch_classic_token, fetch_stable_token, fetch_wecom_token
from wxbus.api.http import WeChatHttp
from wxbus_token.kinds.base import ACCESS_TOKEN, BySecret


class StableAccessToken(BySecret):
    """`access_token` by `stable_token`: repeated calls give the same one (protocol reference 8.1)."""

    kind = ACCESS_TOKEN
    repeatable = True
    forcible = True

    async def fetch(self, _means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat (see Credential)."""
        return await fetch_stable_token(self._http, self.appid, self._secret, force_refresh=force)


class ClassicAccessToken(BySecret):
    """`access_token` by `/cgi-bin/token`: each call makes a new one and ends the one before after five minutes."""

    kind = ACCESS_TOKEN
    repeatable = False
    forcible = False

    async def fetch(self, _means: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Ask WeChat (see Credential)."""
        return await fetch_classic_token(self._http, self.appid, self._secret)


class WeComAccessToken(BySecret):
    """`access_token` of one of WeCom's applications: repeated calls give the same one (protocol reference 8.4)."""

    kind = ACCESS_TOKEN
    repeatable = True
    forcible = False

    def __init__(self, http: WeChatHttp, appid: str, corpid: str, secret: SecretStr) -> None:
        """`appid` is our id of the application, `corpid` that of the company it belongs to."""
        super().__init__(http, appid, secret)
        self._corpid = corpid

    async def fetch(self, _means: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - WeCom has no force
        """Ask WeCom (see Credential)."""
        return await fetch_wecom_token(self._http, self._corpid, self._secret)
