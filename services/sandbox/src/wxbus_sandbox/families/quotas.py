"""Limits of calls and their resets, and the addresses of WeChat."""

from typing import Final

from wxbus.api.endpoints.network import Network
from wxbus.api.endpoints.quotas import ApiQuota, DailyQuota, Quotas, RateLimit
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError

UNKNOWN_PATH: Final = 76021
WRONG_APPID: Final = 40013


class QuotasTwin(Twin, Quotas):
    """Knows the calls of the account."""

    async def find(self, path: str) -> ApiQuota:
        """Return the limit of an endpoint."""
        self._check(path)
        quotas = self.call.sandbox.quotas
        limit, used = quotas.limit(path), quotas.used(self.call.account.appid, path)
        quota = DailyQuota(daily_limit=limit, used=used, remain=max(0, limit - used))
        return ApiQuota(quota=quota, rate_limit=RateLimit(call_count=limit, refresh_second=60))

    async def reset(self, path: str) -> None:
        """Reset an endpoint."""
        self._check(path)
        self.call.sandbox.quotas.reset_one(self.call.account.appid, path)

    async def reset_all(self, appid: str) -> None:
        """Reset all endpoints."""
        if appid != self.call.account.appid:
            raise ApiError(WRONG_APPID)
        self.call.sandbox.quotas.reset_all(appid)

    def _check(self, path: str) -> None:
        if not any(route.canonical == path for route in self.call.request.app.router.resources()):
            raise ApiError(UNKNOWN_PATH)


class NetworkTwin(Twin, Network):
    """Returns the addresses of the sandbox."""

    async def callback_addresses(self) -> list[str]:
        """Return the source addresses of pushes."""
        return [*self.call.sandbox.rules.callback_addresses]

    async def api_addresses(self) -> list[str]:
        """Return the addresses of the API."""
        return [*self.call.sandbox.rules.callback_addresses]
