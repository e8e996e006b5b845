"""Implements the service `login`: AppSecrets stay in the token service."""

from collections.abc import Callable

from pydantic import SecretStr

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.api.calls import Calls, Repeat
from wxbus.api.http import WeChatHttp
from wxbus.api.login import exchange_authorizer_code, exchange_code
from wxbus.api.models import Login
from wxbus.api.tokens import TokenSource
from wxbus.errors import RpcFailure, UnknownAccount
from wxbus.tokens.messages import LoginAnswer, LoginRequest
from wxbus.tokens.services import LoginService
from wxbus_token.credentials.storage.grants import GrantStore


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
        login = await self._exchange(request.appid, request.code)
        return LoginAnswer(openid=login.openid, session_key=login.session_key.get_secret_value(), unionid=login.unionid)

    async def _exchange(self, appid: str, code: str) -> Login:
        secret = self._secret_of(appid)
        if secret is not None:
            return await exchange_code(self._http, appid, code, secret)
        platform = await self._grants.component_of(appid)
        if not platform:
            raise UnknownAccount("there is no account with this appid and a secret or an authorised platform")
        return await Calls(platform, self._component_tokens).with_token(
            lambda token: exchange_authorizer_code(self._http, token, platform, appid, code), Repeat.NEVER
        )

    def _secret_of(self, appid: str) -> SecretStr | None:
        """Return the account's secret, None if it has none or is not in the file."""
        account = next((account for account in self._accounts() if account.appid == appid), None)
        if account is None:
            return None
        if account.kind is not AccountKind.MINI_PROGRAM:
            raise RpcFailure(422, "Not a Mini Program", detail=f"{account.name} is of the kind {account.kind}")
        return account.secret
