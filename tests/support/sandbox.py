"""A running sandbox with a receiver in place of the ingress, over real HTTP, on a clock that stands still."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.credentials import fetch_stable_token
from wxbus.runtime.admin import listening
from wxbus.wechat.callbacks.crypto import CallbackCrypto, VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus_sandbox.app import build_app
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.state import SANDBOX, Sandbox

NOW = 1_790_000_000.0
TOKEN = "console-token"
SECRET = "appsecret-0123456789abcdef"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ALL_MODES = (Mode.SECURE, Mode.COMPATIBLE, Mode.PLAIN)


def an_account(name: str, kind: AccountKind, **fields: object) -> Account:
    """An account whose secrets are those above."""
    given = {"appid": f"wx{name}", "token": TOKEN, "aes_key": AES_KEY, "secret": SECRET, "modes": ALL_MODES}
    return Account.model_validate({"name": name, "kind": kind, **given, **fields})


ACCOUNTS = Accounts(
    {
        account.name: account
        for account in (
            an_account("shop", AccountKind.OFFICIAL_ACCOUNT),
            an_account("mini", AccountKind.MINI_PROGRAM, formats=("json", "xml")),
            an_account("platform", AccountKind.COMPONENT, modes=(Mode.SECURE,), formats=("xml",)),
            an_account("corp", AccountKind.WECOM, formats=("xml",), receive_id="ww1"),
            an_account("open", AccountKind.OFFICIAL_ACCOUNT, aes_key=None, modes=(Mode.PLAIN,)),
            an_account("keyless", AccountKind.OFFICIAL_ACCOUNT, token=None, aes_key=None, secret=None),
        )
    }
)


@dataclass(frozen=True)
class Received:
    """One request that reached the receiver."""

    request: web.Request
    query: CallbackQuery
    raw_query: dict[str, str]
    body: bytes
    content_type: str
    opened: VerifiedCallback


Answer: TypeAlias = Callable[[Received], Awaitable[web.StreamResponse]]


async def success(_received: Received) -> web.StreamResponse:
    """The answer that WeChat advises."""
    return web.Response(text="success")


def answering(body: bytes | str, status: int = 200) -> Answer:
    """The same answer always."""

    async def answer(_received: Received) -> web.StreamResponse:
        return web.Response(body=body.encode() if isinstance(body, str) else body, status=status)

    return answer


async def silence(_received: Received) -> web.StreamResponse:
    """No answer, however long the sender waits."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


class FakeIngress:
    """Opens every push as the ingress would, and answers as told: the answers in line first, then `success`."""

    def __init__(self, now: Callable[[], float] = lambda: NOW) -> None:
        self._now = now
        self.received: list[Received] = []
        self.answers: deque[Answer] = deque()
        self.echo: Callable[[str], str] = str

    def crypto(self, name: str) -> CallbackCrypto:
        """What opens and seals for an account."""
        account = ACCOUNTS.named(name)
        wecom = account.kind is AccountKind.WECOM
        return CallbackCrypto(account.keys, account.effective_receive_id, account.modes, account.formats, wecom=wecom)

    def app(self) -> web.Application:
        """What is served in place of the ingress."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/wechat/{account}", self._take),
                web.post("/wechat/{account}/{appid}", self._take),
                web.get("/wechat/{account}", self._verify),
            ]
        )
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        query, body = CallbackQuery.from_mapping(request.query), await request.read()
        opened = self.crypto(request.match_info["account"]).open(query, body, now=self._now(), max_age=300)
        received = Received(request, query, dict(request.query), body, request.content_type, opened)
        self.received.append(received)
        return await (self.answers.popleft() if self.answers else success)(received)

    async def _verify(self, request: web.Request) -> web.StreamResponse:
        query = CallbackQuery.from_mapping(request.query)
        return web.Response(text=self.echo(self.crypto(request.match_info["account"]).verify_url(query)))


class SandboxTokens:
    """A token source without a service: asks the sandbox, forces a new token if the same dead one comes back."""

    def __init__(self, http: WeChatHttp) -> None:
        self._http = http
        self._cache: dict[str, str] = {}
        self.reports: list[str] = []

    async def get(self, appid: str) -> str:
        """The token in hand, fetched at first."""
        if appid not in self._cache:
            self._cache[appid] = await self._fetch(appid)
        return self._cache[appid]

    async def report_invalid(self, appid: str, token: str) -> str:
        """Another token than the one reported."""
        self.reports.append(token)
        if self._cache.get(appid) == token:
            fresh = await self._fetch(appid)
            self._cache[appid] = fresh if fresh != token else await self._fetch(appid, force=True)
        return self._cache[appid]

    async def _fetch(self, appid: str, *, force: bool = False) -> str:
        secret = ACCOUNTS.of(appid).secret
        assert secret is not None
        return (await fetch_stable_token(self._http, appid, secret, force_refresh=force)).value


@dataclass
class World:
    """WeChat, and those who talk to it."""

    url: str
    sandbox: Sandbox
    """Its memory, to look into."""
    clock: Clock
    control: SandboxClient
    http: WeChatHttp
    tokens: SandboxTokens
    ingress: FakeIngress
    sleeps: list[float] = field(default_factory=list)
    """Delays of the clients before retries."""

    def client(self, name: str) -> WeChatClient:
        """Return a client of an account that records its delays and does not wait."""

        async def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)

        return WeChatClient(ACCOUNTS.named(name).appid, self.http, self.tokens, sleep=sleep)


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """Serve; a handler whose client has gone is cancelled, and none is waited for at the end. Yields the port."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_world(rules: Rules | None = None, *, ingress_url: str = "") -> AsyncIterator[World]:
    """Start everything; without other rules, attempts follow one another without a wait.

    `ingress_url`: push there, not to the receiver of this world.
    """
    clock, ingress = Clock(lambda: NOW), FakeIngress()
    async with AsyncExitStack() as stack:
        ingress_port = await stack.enter_async_context(serving(ingress.app()))
        app = build_app(
            ACCOUNTS,
            ingress_url=ingress_url or f"http://127.0.0.1:{ingress_port}",
            public_url="http://sandbox.test",
            rules=rules or Rules(push_spacing=0),
            clock=clock,
        )
        url = f"http://127.0.0.1:{await stack.enter_async_context(listening(app, host='127.0.0.1', port=0))}"
        control = await stack.enter_async_context(SandboxClient.open(url))
        http = await stack.enter_async_context(WeChatHttp.open(url, 5.0))
        yield World(url, app[SANDBOX], clock, control, http, SandboxTokens(http), ingress)
