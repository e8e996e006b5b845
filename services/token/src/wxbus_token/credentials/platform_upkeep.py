"""Keeps the lists of authorizers complete, and their grants encrypted with the current key."""

from collections.abc import Callable
from typing import Final, NoReturn

import structlog

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.aio.background import repeat
from wxbus.errors import WxbusError
from wxbus_token.credentials.platforms import Platforms

log = structlog.get_logger("wxbus.token")

INTERVAL: Final = 60.0
"""Seconds between two checks."""


class PlatformUpkeep:
    """Checks every third-party platform periodically."""

    def __init__(self, platforms: Platforms, accounts: Callable[[], Accounts]) -> None:
        """`accounts` returns the current accounts."""
        self._platforms = platforms
        self._accounts = accounts
        self._reencrypted: set[str] = set()
        """Platforms whose grants were encrypted with this process's current key."""

    async def run(self) -> NoReturn:
        """Check all platforms after each interval, until cancelled."""
        await repeat(self._check_all, name="authorizers", pause=lambda: INTERVAL)

    async def _check_all(self) -> None:
        for account in list(self._accounts()):
            if account.kind is AccountKind.COMPONENT and account.secret is not None:
                try:
                    await self._check(account.appid)
                except WxbusError as exc:
                    log.info("token.authorizers_not_checked", component=account.appid, reason=str(exc))

    async def _check(self, appid: str) -> None:
        if appid not in self._reencrypted:
            count = await self._platforms.reencrypt(appid)
            log.info("token.reencrypted", component=appid, count=count)
            self._reencrypted.add(appid)
        await self._platforms.complete(appid)
