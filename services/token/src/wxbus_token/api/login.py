"""Implements the service `login`: AppSecrets stay in the token service."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.api.calls import Calls, Repeat
from wxbus.api.http import WeChatHttp
from wxbus.api.login import (
    exchange_authorizer_code,
    exchange_authorizer_web_code,
    exchange_code,
    exchange_web_code,
    refresh_authorizer_web_login,
    refresh_web_login,
)
from wxbus.api.models import WebLogin
from wxbus.api.tokens import TokenSource
from wxbus.errors import RpcFailure, UnknownAccount
from wxbus.tokens.messages import LoginAnswer, LoginRequest, WebLoginAnswer, WebLoginRequest, WebRefreshRequest
from wxbus.tokens.services import LoginService
from wxbus_token.credentials.storage.grants import GrantStore

L = TypeVar("L")


class LoginServicer(LoginService):
    """Exchanges login codes, with the account's secret or the token of the platform that it has authorised."""

    def __init__(
        self,
        http: WeChatHttp,
        accounts: Callable[[], Accounts],
        grants: GrantStore,
        component_tokens: TokenSource,
    ) -> None:
        """`accounts` returns the current ones; `component_tokens` the tokens of third-party platforms."""
        self._http = http
        self._accounts = accounts
        self._grants = grants
        self._component_tokens = component_tokens

    @LoginService.exchange.implementation
    async def exchange(self, request: LoginRequest) -> LoginAnswer:
        """Return the user of a code. The call to WeChat is not repeated: a code is valid once."""
        appid, code = request.appid, request.code
        login = await self._call(
            appid,
            AccountKind.MINI_PROGRAM,
            lambda secret: exchange_code(self._http, appid, code, secret),
            lambda token, platform: exchange_authorizer_code(self._http, token, platform, appid, code),
        )
        return LoginAnswer(openid=login.openid, session_key=login.session_key.get_secret_value(), unionid=login.unionid)

    @LoginService.exchange_web.implementation
    async def exchange_web(self, request: WebLoginRequest) -> WebLoginAnswer:
        """Return the user of a web page. The call to WeChat is not repeated: a code is valid once."""
        appid, code = request.appid, request.code
        login = await self._call(
            appid,
            AccountKind.OFFICIAL_ACCOUNT,
            lambda secret: exchange_web_code(self._http, appid, code, secret),
            lambda token, platform: exchange_authorizer_web_code(self._http, token, platform, appid, code),
        )
        return _web_answer(login)

    @LoginService.refresh_web.implementation
    async def refresh_web(self, request: WebRefreshRequest) -> WebLoginAnswer:
        """Return new tokens of a user of a web page."""
        appid, refresh_token = request.appid, SecretStr(request.refresh_token)
        login = await self._call(
            appid,
            AccountKind.OFFICIAL_ACCOUNT,
            lambda _secret: refresh_web_login(self._http, appid, refresh_token),
            lambda token, platform: refresh_authorizer_web_login(self._http, token, platform, appid, refresh_token),
        )
        return _web_answer(login)

    async def _call(
        self,
        appid: str,
        kind: AccountKind,
        own: Callable[[SecretStr], Awaitable[L]],
        via_platform: Callable[[str, str], Awaitable[L]],
    ) -> L:
        """Return the result of `own` with the account's secret, or of `via_platform` with token and appid."""
        secret = self._secret_of(appid, kind)
        if secret is not None:
            return await own(secret)
        platform = await self._grants.component_of(appid)
        if not platform:
            raise UnknownAccount("there is no account with this appid and a secret or an authorised platform")
        return await Calls(platform, self._component_tokens).with_token(
            lambda token: via_platform(token, platform), Repeat.NEVER
        )

    def _secret_of(self, appid: str, kind: AccountKind) -> SecretStr | None:
        """Return the account's secret, None if it has none or is not in the file."""
        account = next((account for account in self._accounts() if account.appid == appid), None)
        if account is None:
            return None
        if account.kind is not kind:
            title = "Not a Mini Program" if kind is AccountKind.MINI_PROGRAM else "Not an Official Account"
            raise RpcFailure(422, title, detail=f"{account.name} is of the kind {account.kind}")
        return account.secret


def _web_answer(login: WebLogin) -> WebLoginAnswer:
    return WebLoginAnswer(
        openid=login.openid,
        access_token=login.access_token.get_secret_value(),
        expires_in=login.expires_in,
        refresh_token=login.refresh_token.get_secret_value(),
        scope=login.scope,
        unionid=login.unionid,
        is_snapshot=login.is_snapshot,
    )
