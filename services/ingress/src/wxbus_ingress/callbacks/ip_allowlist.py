"""Accepts callbacks from WeChat's IP addresses only, in addition to the check of signatures. Off by default.

All addresses are accepted until the list is fetched for the first time. If a later fetch fails, the old list stays in
use.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Final, TypeAlias

import structlog

from wxbus.accounts.file import AccountsFile
from wxbus.aio.background import repeat
from wxbus.aio.backoff import Backoff
from wxbus.config.networks import Network
from wxbus.config.settings import WeChatApiSettings
from wxbus.errors import ConfigurationError, Forbidden, WeChatUnavailable, WxbusError
from wxbus.runtime.client_address import Address, client_address, within
from wxbus_ingress.http.request import Request
from wxbus_ingress.settings import IpAllowlistSettings

MIN_INTERVAL: Final = 300.0
"""Minimum seconds between two fetches; an unknown address causes an early fetch."""
RESTART_DELAY: Final = 5.0
"""Seconds before fetching is restarted after an unexpected error."""
CACHE_SIZE: Final = 10_000
"""Addresses whose result is cached."""

Fetch: TypeAlias = Callable[[], Awaitable[list[str]]]
"""Fetches the addresses from WeChat; raises WxbusError."""

log = structlog.stdlib.get_logger(__name__)


class IpAllowlist:
    """Checks the address of a request against WeChat's list."""

    def __init__(self, settings: IpAllowlistSettings, fetch: Fetch) -> None:
        """Use `open`, which keeps the list current."""
        self._settings = settings
        self._fetch = fetch
        self._networks: tuple[Network, ...] | None = None
        self._cache: dict[Address, bool] = {}
        self._problem = "WeChat's addresses are not known yet: all addresses are accepted"
        self._unknown_address = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: IpAllowlistSettings, wechat: WeChatApiSettings, accounts: AccountsFile
    ) -> AsyncIterator["IpAllowlist | None"]:
        """Yield the list, or None if it is off.

        Raises:
            ConfigurationError: The account is not in the accounts file, or the API key is missing.
        """
        if not settings.account:
            yield None
            return
        if settings.account not in {account.name for account in accounts.current} or not settings.token_api_key:
            raise ConfigurationError(
                "WXBUS_INGRESS_IP_ALLOWLIST_ACCOUNT must be an account of the accounts file, and "
                "WXBUS_INGRESS_IP_ALLOWLIST_TOKEN_API_KEY a key that may get its token"
            )
        # Imported here: the list is off by default, and without WeChat's API ingress starts in half of the time.
        from wxbus.api.client import WeChatClient  # noqa: PLC0415
        from wxbus.api.http import WeChatHttp  # noqa: PLC0415
        from wxbus.tokens import TokenClient  # noqa: PLC0415

        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(WeChatHttp.open(wechat.wechat_api_url, wechat.wechat_api_timeout))
            tokens = await stack.enter_async_context(
                TokenClient.open(settings.token_url, settings.token_api_key.get_secret_value())
            )

            async def fetch() -> list[str]:
                appid = accounts.current.named(settings.account).appid
                return await WeChatClient(appid, http, tokens).network.callback_addresses()

            allowlist = cls(settings, fetch)
            refreshing = asyncio.create_task(repeat(allowlist.run, name="IP allowlist", pause=lambda: RESTART_DELAY))
            try:
                yield allowlist
            finally:
                refreshing.cancel()
                await asyncio.wait([refreshing])

    def check(self, request: Request) -> None:
        """Return if the request comes from an address in the list; raises Forbidden."""
        if self._networks is None:
            return
        address = self._client_address(request)
        allowed = self._cache.get(address)
        if allowed is None:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            allowed = self._cache[address] = within(address, self._networks)
        if not allowed:
            self._unknown_address.set()
            raise Forbidden(f"{address} is not a WeChat IP address")

    async def check_freshness(self) -> None:
        """Return if the last fetch succeeded; raises WeChatUnavailable with its error."""
        if self._problem:
            raise WeChatUnavailable(self._problem)

    async def run(self) -> None:
        """Keep the list current until cancelled."""
        backoff = Backoff(first=5.0, longest=600.0)
        while True:
            try:
                await self.refresh()
            except WxbusError as exc:
                self._problem = str(exc)
                log.warning("ip_allowlist.refresh_failed", reason=str(exc), networks=len(self._networks or ()))
                await asyncio.sleep(backoff.delay())
                continue
            backoff.reset()
            self._problem = ""
            self._unknown_address.clear()
            await asyncio.sleep(min(MIN_INTERVAL, self._settings.refresh_interval))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._settings.refresh_interval - MIN_INTERVAL)):
                    await self._unknown_address.wait()

    async def refresh(self) -> None:
        """Fetch the list once.

        Raises:
            WxbusError: The fetch failed or returned no valid list; the old list stays in use.
        """
        entries = await self._fetch()
        try:
            networks = tuple(ip_network(entry, strict=False) for entry in entries)
        except ValueError as exc:
            raise WeChatUnavailable(f"WeChat's list of addresses has an invalid entry: {exc}") from exc
        if not networks:
            raise WeChatUnavailable("WeChat's list of addresses is empty")
        self._networks = (*networks, *self._settings.extra_networks)
        self._cache.clear()
        log.info("ip_allowlist.refreshed", networks=len(networks))

    def _client_address(self, request: Request) -> Address:
        try:
            return client_address(request, self._settings.trusted_proxies)
        except ValueError as exc:
            raise Forbidden("the client's IP address is invalid") from exc
