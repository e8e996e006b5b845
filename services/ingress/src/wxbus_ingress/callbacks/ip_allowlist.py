"""Where callbacks come from: the addresses that WeChat names. A second line only, the signatures decide.

Off unless set. Until WeChat has told its addresses once, all are let through; a list that cannot be fetched again
leaves the one before in force.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

import structlog

from wxbus.accounts.file import AccountsFile
from wxbus.aio.background import repeat
from wxbus.aio.backoff import Backoff
from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.config.settings import WeChatApiSettings
from wxbus.errors import ConfigurationError, Forbidden, WeChatUnavailable, WxbusError
from wxbus.tokens import TokenClient
from wxbus_ingress.http.server import Request
from wxbus_ingress.settings import Network, SourceSettings

FORWARDED: Final = "X-Forwarded-For"
HASTE: Final = 300.0
"""Seconds between two looks for addresses that are new, after some that are not known were refused."""
AGAIN: Final = 5.0
"""Seconds before the list is looked after again if that failed in a way nobody foresaw."""
REMEMBERED: Final = 10_000
"""Peers whose place is remembered."""

Address: TypeAlias = IPv4Address | IPv6Address
Fetch: TypeAlias = Callable[[], Awaitable[list[str]]]
"""Asks WeChat; raises WxbusError."""

log = structlog.stdlib.get_logger(__name__)


class IpAllowlist:
    """Tells WeChat's requests from others by their address."""

    def __init__(self, settings: SourceSettings, fetch: Fetch) -> None:
        """Use `open`, which keeps the list fresh."""
        self._settings = settings
        self._fetch = fetch
        self._networks: tuple[Network, ...] | None = None
        self._allowed: dict[Address, bool] = {}
        self._problem = "WeChat has not told its addresses yet: all are let through"
        self._stranger = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: SourceSettings, wechat: WeChatApiSettings, accounts: AccountsFile
    ) -> AsyncIterator["IpAllowlist | None"]:
        """Yield what checks addresses, if the settings want that.

        Raises:
            ConfigurationError: The account that is to ask is not in the accounts file, or there is no API key.
        """
        if not settings.account:
            yield None
            return
        if settings.account not in {account.name for account in accounts.current} or not settings.token_api_key:
            raise ConfigurationError(
                "WXBUS_INGRESS_SOURCES_ACCOUNT must be an account of the accounts file, and "
                "WXBUS_INGRESS_SOURCES_TOKEN_API_KEY a key that may get its token"
            )
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(WeChatHttp.open(wechat.wechat_api_url, wechat.wechat_api_timeout))
            tokens = await stack.enter_async_context(
                TokenClient.open(settings.token_url, settings.token_api_key.get_secret_value())
            )

            async def fetch() -> list[str]:
                appid = accounts.current.named(settings.account).appid
                return await WeChatClient(appid, http, tokens).callback_addresses()

            sources = cls(settings, fetch)
            refreshing = asyncio.create_task(repeat(sources.run, name="addresses of WeChat", pause=lambda: AGAIN))
            try:
                yield sources
            finally:
                refreshing.cancel()
                await asyncio.wait([refreshing])

    def check(self, request: Request) -> None:
        """Return if a request comes from an address that WeChat names, or raise Forbidden."""
        if self._networks is None:
            return
        address = self._source_of(request)
        allowed = self._allowed.get(address)
        if allowed is None:
            if len(self._allowed) >= REMEMBERED:
                self._allowed.clear()
            allowed = self._allowed[address] = _within(address, self._networks)
        if not allowed:
            self._stranger.set()
            raise Forbidden(f"the address {address} is none that WeChat names")

    async def problem(self) -> None:
        """Return if the list in force is as fresh as it should be; raises WeChatUnavailable if the last try failed."""
        if self._problem:
            raise WeChatUnavailable(self._problem)

    async def run(self) -> None:
        """Keep the list fresh until cancelled."""
        backoff = Backoff(first=5.0, longest=600.0)
        while True:
            try:
                await self.refresh()
            except WxbusError as exc:
                self._problem = str(exc)
                log.warning("sources.kept", reason=str(exc), known=len(self._networks or ()))
                await asyncio.sleep(backoff.delay())
                continue
            backoff.reset()
            self._problem = ""
            self._stranger.clear()
            await asyncio.sleep(min(HASTE, self._settings.refresh))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._settings.refresh - HASTE)):
                    await self._stranger.wait()

    async def refresh(self) -> None:
        """Ask WeChat for its addresses once.

        Raises:
            WxbusError: There is no answer, or none that can be used; the list from before stays in force.
        """
        told = await self._fetch()
        try:
            networks = tuple(ip_network(entry, strict=False) for entry in told)
        except ValueError as exc:
            raise WeChatUnavailable(f"among WeChat's addresses is one that is none: {exc}") from exc
        if not networks:
            raise WeChatUnavailable("WeChat names no address at all")
        self._networks = (*networks, *self._settings.also)
        self._allowed.clear()
        log.info("sources.taken", addresses=len(networks))

    def _source_of(self, request: Request) -> Address:
        """Return where a request began: behind proxies, what the last one that we trust has seen."""
        hops = [hop.strip() for line in request.headers.getall(FORWARDED, []) for hop in line.split(",")]
        address = _address(request.remote or "")
        while hops and _within(address, self._settings.proxies):
            address = _address(_without_port(hops.pop()))
        return address


def _without_port(hop: str) -> str:
    """Return the address of `1.2.3.4:5678`, `[2001:db8::1]:5678` or `[2001:db8::1]`; some proxies write them so."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _address(text: str) -> Address:
    try:
        address = ip_address(text)
    except ValueError as exc:
        raise Forbidden("the address is none") from exc
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
