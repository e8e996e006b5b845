"""The optional list of WeChat's IP addresses: refused addresses, proxies, and failed fetches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from tests.support.pushes import APPID, a_push
from tests.unit.ingress.conftest import ACCOUNTS
from wxbus.accounts.file import AccountsFile
from wxbus.config.networks import Network
from wxbus.config.settings import WeChatApiSettings
from wxbus.errors import ConfigurationError, TokenUnavailable, WxbusError
from wxbus.runtime.sockets import listening_socket
from wxbus.testing import MemoryPublisher
from wxbus_ingress.app import build_app
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import IpAllowlistSettings, Limits

WECHAT = ["101.226.103.0/25", "58.247.206.141", "2402:4e00::/32"]
ACCEPTED = (200, "success")
REFUSED = (403, "the signature is not valid\n")
LOCAL = ip_network("127.0.0.1")


class WeChat:
    """Returns its addresses, or fails."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.fails = False

    async def addresses_or_fail(self) -> list[str]:
        """Return the addresses, or raise TokenUnavailable."""
        if self.fails:
            raise TokenUnavailable("away")
        return self.addresses


@asynccontextmanager
async def an_ingress(sources: IpAllowlist) -> AsyncIterator["Caller"]:
    """Run an ingress with the list."""
    app = build_app(Limits(), ACCOUNTS, MemoryPublisher(), ip_allowlist=sources, registry=CollectorRegistry())
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port, aiohttp.ClientSession() as http:
        yield Caller(http, f"http://127.0.0.1:{port}/wechat/any")


class Caller:
    """Sends requests from 127.0.0.1."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def post(self, *forwarded: str) -> tuple[int, str]:
        """Send a valid push with these lines of `X-Forwarded-For`."""
        push, headers = a_push(), [("X-Forwarded-For", line) for line in forwarded]
        async with self.http.post(self.url, params=push.query, data=push.body, headers=headers) as answer:
            return answer.status, await answer.text()


async def an_allowlist(
    wechat: WeChat, *, proxies: tuple[Network, ...] = (), also: tuple[Network, ...] = ()
) -> IpAllowlist:
    """Return a list that was fetched once."""
    sources = IpAllowlist(
        IpAllowlistSettings(account="any", trusted_proxies=proxies, extra_networks=also), wechat.addresses_or_fail
    )
    await sources.refresh()
    return sources


@pytest.mark.parametrize(
    ("addresses", "answer"),
    [(["127.0.0.1"], ACCEPTED), (["127.0.0.0/8"], ACCEPTED), (["10.0.0.1"], REFUSED), (WECHAT, REFUSED)],
)
async def test_only_listed_addresses_are_accepted(addresses: list[str], answer: tuple[int, str]) -> None:
    """A valid signature from another address is refused like an invalid one; entries may be networks."""
    async with an_ingress(await an_allowlist(WeChat(*addresses))) as caller:
        assert await caller.post() == answer


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["101.226.103.7"], ACCEPTED),
        (["6.6.6.6, 101.226.103.7"], ACCEPTED),
        (["6.6.6.6", "2402:4e00::1"], ACCEPTED),
        (["101.226.103.7, 10.1.2.3"], ACCEPTED),
        (["::ffff:58.247.206.141"], ACCEPTED),
        (["101.226.103.7:40000"], ACCEPTED),
        (["101.226.103.7:40000, 10.1.2.3:8080"], ACCEPTED),
        (["[2402:4e00::1]:40000"], ACCEPTED),
        (["[2402:4e00::1]"], ACCEPTED),
        (["101.226.103.7, 6.6.6.6:40000"], REFUSED),
        (["101.226.103.7:1:2"], REFUSED),
        (["101.226.103.7, 6.6.6.6"], REFUSED),
        (["101.226.103.7, 6.6.6.6, 10.1.2.3"], REFUSED),
        (["101.226.103.7", "6.6.6.6"], REFUSED),
        (["101.226.103.128"], REFUSED),
        (["unknown"], REFUSED),
        (["101.226.103.7, unknown"], REFUSED),
        ([""], REFUSED),
        ([], REFUSED),
    ],
)
async def test_only_trusted_proxies_are_skipped(lines: list[str], answer: tuple[int, str]) -> None:
    """The header is read from the right, through trusted proxies only."""
    sources = await an_allowlist(WeChat(*WECHAT), proxies=(LOCAL, ip_network("10.0.0.0/8")))
    async with an_ingress(sources) as caller:
        assert await caller.post(*lines) == answer


async def test_without_proxies_the_header_is_ignored() -> None:
    """Any client can send the header."""
    async with an_ingress(await an_allowlist(WeChat(*WECHAT))) as caller:
        assert await caller.post("101.226.103.7") == REFUSED


async def test_extra_networks_are_accepted() -> None:
    """WeCom sends from addresses that are not in the list."""
    async with an_ingress(await an_allowlist(WeChat(*WECHAT), also=(LOCAL,))) as caller:
        assert await caller.post() == ACCEPTED


async def test_the_page_is_open_and_verification_is_not() -> None:
    """A browser gets the page from any address; URL verification is checked."""
    async with an_ingress(await an_allowlist(WeChat(*WECHAT))) as caller:
        async with caller.http.get(caller.url) as answer:
            assert answer.status == 200
        async with caller.http.get(caller.url, params=a_push().query | {"echostr": "1"}) as answer:
            assert (answer.status, await answer.text()) == REFUSED


async def test_all_addresses_are_accepted_before_the_first_list() -> None:
    """The list is an additional check: no callback is lost while the token service starts."""
    wechat = WeChat("10.0.0.1")
    sources = IpAllowlist(IpAllowlistSettings(account="any"), wechat.addresses_or_fail)
    async with an_ingress(sources) as caller:
        assert await caller.post() == ACCEPTED
        with pytest.raises(WxbusError):
            await sources.check_freshness()
        await sources.refresh()
        assert await caller.post() == REFUSED


@pytest.mark.parametrize("addresses", [[], ["127.0.0.1", "nonsense"]])
async def test_a_failed_fetch_keeps_the_last_list(addresses: list[str]) -> None:
    """An error, an empty list or an invalid entry changes nothing."""
    wechat = WeChat("127.0.0.1")
    sources = await an_allowlist(wechat)
    wechat.addresses = addresses
    with pytest.raises(WxbusError):
        await sources.refresh()
    wechat.fails = True
    with pytest.raises(TokenUnavailable):
        await sources.refresh()

    async with an_ingress(sources) as caller:
        assert await caller.post() == ACCEPTED


@pytest.fixture
def accounts(tmp_path: Path) -> AccountsFile:
    """An accounts file with the account whose token is used."""
    path = tmp_path / "accounts.toml"
    path.write_text(f'[accounts.any]\nappid = "{APPID}"\nkind = "official_account"\n', encoding="utf-8")
    return AccountsFile(path, registry=CollectorRegistry())


async def test_the_list_is_fetched_with_the_token_of_the_account(accounts: AccountsFile) -> None:
    """The token comes from the token service, the list from WeChat."""
    calls: list[str] = []

    async def token(request: web.Request) -> web.Response:
        calls.append((await request.json())["appid"])
        return web.json_response({"access_token": "the-token", "expires_in": 7200})

    async def addresses(request: web.Request) -> web.Response:
        calls.append(request.query["access_token"])
        return web.json_response({"ip_list": ["10.0.0.1"]})

    app = web.Application()
    app.add_routes([web.post("/rpc/token/get", token), web.get("/cgi-bin/getcallbackip", addresses)])
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        settings = IpAllowlistSettings(account="any", token_url=url, token_api_key=SecretStr("key"))
        async with IpAllowlist.open(settings, WeChatApiSettings(wechat_api_url=url), accounts) as sources:
            assert sources
            async with an_ingress(sources) as caller:
                while await caller.post() != REFUSED:
                    pass
            await sources.check_freshness()

    assert list(dict.fromkeys(calls)) == [APPID, "the-token"], "repeated if one took too long"


@pytest.mark.parametrize(
    "settings",
    [IpAllowlistSettings(account="unknown", token_api_key=SecretStr("key")), IpAllowlistSettings(account="any")],
)
async def test_missing_settings_are_named_at_the_start(accounts: AccountsFile, settings: IpAllowlistSettings) -> None:
    """Without the account or the API key, ingress does not start."""
    with pytest.raises(ConfigurationError, match="WXBUS_INGRESS_IP_ALLOWLIST_ACCOUNT"):
        async with IpAllowlist.open(settings, WeChatApiSettings(), accounts):
            pass


async def test_it_is_off_by_default(accounts: AccountsFile) -> None:
    """Without an account, no address is checked."""
    async with IpAllowlist.open(IpAllowlistSettings(), WeChatApiSettings(), accounts) as sources:
        assert sources is None


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are separated by commas."""
    monkeypatch.setenv("WXBUS_INGRESS_IP_ALLOWLIST_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1")

    assert IpAllowlistSettings().trusted_proxies == (ip_network("10.0.0.0/8"), LOCAL)
