"""Implements the service `quota`: AppSecrets stay in the token service."""

from collections.abc import Callable

import structlog
from pydantic import SecretStr

from wxbus.accounts.accounts import Accounts
from wxbus.api.http import WeChatHttp
from wxbus.api.quota import reset_authorizer_quota, reset_quota
from wxbus.errors import UnknownAccount
from wxbus.tokens.messages import QuotaReset, TokenRequest
from wxbus.tokens.services import QuotaService
from wxbus_token.credentials.storage.grants import GrantStore

log = structlog.get_logger("wxbus.token")


class QuotaServicer(QuotaService):
    """Resets quotas, with the account's secret or that of the platform that it has authorised."""

    def __init__(self, http: WeChatHttp, accounts: Callable[[], Accounts], grants: GrantStore) -> None:
        """`accounts` returns the current ones."""
        self._http = http
        self._accounts = accounts
        self._grants = grants

    @QuotaService.reset.implementation
    async def reset(self, request: TokenRequest) -> QuotaReset:
        """Reset the daily quotas of all endpoints of an account. The call to WeChat is not repeated."""
        appid = request.appid
        if (secret := self._secret_of(appid)) is not None:
            await reset_quota(self._http, appid, secret)
        else:
            platform = await self._grants.component_of(appid)
            secret = self._secret_of(platform) if platform else None
            if not platform or secret is None:
                raise UnknownAccount("there is no account with this appid and a secret or an authorised platform")
            await reset_authorizer_quota(self._http, appid, platform, secret)
        log.info("token.quota_reset", appid=appid)
        return QuotaReset()

    def _secret_of(self, appid: str) -> SecretStr | None:
        return next((account.secret for account in self._accounts() if account.appid == appid), None)
