"""A sandbox with a fake ingress, over real HTTP, with a clock that only tests advance."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.component import fetch_component_token
from wxbus.api.credentials import fetch_stable_token, fetch_wecom_token
from wxbus.api.limits import ApiLimits
from wxbus.api.wecom.client import WeComClient
from wxbus.runtime.admin import listening
from wxbus.wechat.callbacks.crypto import CallbackCrypto, VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.registry import parse_message
from wxbus_sandbox.app import build_app
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.state import SANDBOX, Sandbox

E = TypeVar("E")

EVENT_WAIT = 30.0
"""Seconds until a test gives up to wait for an event or an answer."""
NOW = 1_790_000_000.0
TOKEN = "console-token"
SECRET = "appsecret-0123456789abcdef"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
ALL_MODES = (Mode.SECURE, Mode.COMPATIBLE, Mode.PLAIN)


def an_account(name: str, kind: AccountKind, **fields: object) -> Account:
    """Return an account with the secrets above."""
    defaults = {"appid": f"wx{name}", "token": TOKEN, "aes_key": AES_KEY, "secret": SECRET, "modes": ALL_MODES}
    return Account.model_validate({"name": name, "kind": kind, **defaults, **fields})


ACCOUNTS = Accounts(
    {
        account.name: account
        for account in (
            an_account("shop", AccountKind.OFFICIAL_ACCOUNT),
            an_account("mini", AccountKind.MINI_PROGRAM, formats=("json", "xml")),
            an_account("platform", AccountKind.COMPONENT, modes=(Mode.SECURE,), formats=("xml",)),
            an_account("corp", AccountKind.WECOM, formats=("xml",), receive_id="ww1", agent_id=1000002),
            an_account("open", AccountKind.OFFICIAL_ACCOUNT, aes_key=None, modes=(Mode.PLAIN,)),
            an_account("keyless", AccountKind.OFFICIAL_ACCOUNT, token=None, aes_key=None, secret=None),
        )
    }
)


@dataclass(frozen=True)
class Received:
    """A request that the fake ingress received."""

    request: web.Request
    query: CallbackQuery
    raw_query: dict[str, str]
    body: bytes
    content_type: str
    opened: VerifiedCallback


Answer: TypeAlias = Callable[[Received], Awaitable[web.StreamResponse]]


async def success(_received: Received) -> web.StreamResponse:
    """Answer `success`."""
    return web.Response(text="success")


def answering(body: bytes | str, status: int = 200) -> Answer:
    """Return a function that always gives the same response."""

    async def answer(_received: Received) -> web.StreamResponse:
        return web.Response(body=body.encode() if isinstance(body, str) else body, status=status)

    return answer


async def silence(_received: Received) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


class FakeIngress:
    """Decrypts every push as ingress does; gives the responses in `answers`, then `success`."""

    def __init__(self, now: Callable[[], float] = lambda: NOW) -> None:
        self._now = now
        self.received: list[Received] = []
        self.answers: deque[Answer] = deque()
        self.echo: Callable[[str], str] = str

    def crypto(self, name: str) -> CallbackCrypto:
        """Return the encryption of an account."""
        account = ACCOUNTS.named(name)
        wecom = account.kind is AccountKind.WECOM
        return CallbackCrypto(account.keys, account.effective_receive_id, account.modes, account.formats, wecom=wecom)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/wechat/{account}", self._receive),
                web.post("/wechat/{account}/{appid}", self._receive),
                web.get("/wechat/{account}", self._verify),
            ]
        )
        return app

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        query, body = CallbackQuery.from_mapping(request.query), await request.read()
        opened = self.crypto(request.match_info["account"]).open(query, body, now=self._now(), max_age=300)
        received = Received(request, query, dict(request.query), body, request.content_type, opened)
        self.received.append(received)
        return await (self.answers.popleft() if self.answers else success)(received)

    async def _verify(self, request: web.Request) -> web.StreamResponse:
        query = CallbackQuery.from_mapping(request.query)
        return web.Response(text=self.echo(self.crypto(request.match_info["account"]).verify_url(query)))


class SandboxTokens:
    """A token source without the token service: asks the sandbox, and forces a refresh if a token stays invalid."""

    def __init__(self, http: WeChatHttp, wecom: WeChatHttp, control: SandboxClient) -> None:
        self._http, self._wecom, self._control = http, wecom, control
        self._cache: dict[str, str] = {}
        self.reports: list[str] = []

    async def get(self, appid: str) -> str:
        """Return the cached token; fetch it first if there is none."""
        if appid not in self._cache:
            self._cache[appid] = await self._fetch(appid)
        return self._cache[appid]

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return another token than the reported one."""
        self.reports.append(token)
        if self._cache.get(appid) == token:
            fetched = await self._fetch(appid)
            self._cache[appid] = fetched if fetched != token else await self._fetch(appid, force=True)
        return self._cache[appid]

    def forget(self) -> None:
        """Forget all tokens, as after a reset of the sandbox."""
        self._cache.clear()

    async def _fetch(self, appid: str, *, force: bool = False) -> str:
        account = ACCOUNTS.of(appid)
        secret = account.secret
        assert secret is not None
        if account.kind is AccountKind.WECOM:
            return (await fetch_wecom_token(self._wecom, account.effective_receive_id, secret)).value
        if account.kind is AccountKind.COMPONENT:
            ticket = (await self._control.component_ticket(account.name, push=False)).value
            return (await fetch_component_token(self._http, appid, secret, ticket)).value
        return (await fetch_stable_token(self._http, appid, secret, force_refresh=force)).value


@dataclass
class World:
    """A sandbox and its clients."""

    url: str
    sandbox: Sandbox
    """The sandbox's state."""
    clock: Clock
    control: SandboxClient
    http: WeChatHttp
    wecom: WeChatHttp
    tokens: SandboxTokens
    ingress: FakeIngress
    sleeps: list[float] = field(default_factory=list)
    """The clients' delays before retries."""

    def client(self, name: str) -> WeChatClient:
        """Return a client of an account that records its delays instead of waiting."""

        async def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)

        if name == "corp":
            return self.application()
        return WeChatClient(ACCOUNTS.named(name).appid, self.http, self.tokens, sleep=sleep)

    def application(self, *, limits: ApiLimits | None = None) -> WeComClient:
        """Return a client of WeCom's application `corp`."""
        account = ACCOUNTS.named("corp")
        return WeComClient(account.appid, self.wecom, self.tokens, agent_id=account.agent_id, limits=limits)


async def event_of(world: World, kind: type[E], name: str, count: int = 1) -> E:
    """Return the last event of this name that ingress received, as handlers get it."""
    assert len(await world.control.pushes(event=name, count=count, wait=EVENT_WAIT)) == count
    message = parse_message(world.ingress.received[-1].opened.document)
    assert isinstance(message, kind)
    return message


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """Serve the application; yield the port. Handlers are cancelled when their client disconnects, and at the end."""
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def a_world(
    rules: Rules | None = None, *, ingress_url: str = "", middlewares: Sequence[Middleware] = ()
) -> AsyncIterator[World]:
    """Start a sandbox and a fake ingress. By default there is no pause between attempts.

    A push has time enough on any machine, unless `rules` set `push_timeout`: tests count its attempts.
    With `ingress_url` the sandbox pushes there instead of to the fake ingress. `middlewares` see every request to it.
    """
    clock, ingress, rules = Clock(lambda: NOW), FakeIngress(), rules or Rules(push_spacing=0)
    if "push_timeout" not in rules.model_fields_set:
        rules = rules.model_copy(update={"push_timeout": EVENT_WAIT})
    async with AsyncExitStack() as stack:
        ingress_port = await stack.enter_async_context(serving(ingress.app()))
        app = build_app(
            ACCOUNTS,
            ingress_url=ingress_url or f"http://127.0.0.1:{ingress_port}",
            public_url="http://sandbox.test",
            rules=rules,
            clock=clock,
        )
        app.middlewares[:0] = middlewares
        url = f"http://127.0.0.1:{await stack.enter_async_context(listening(app, host='127.0.0.1', port=0))}"
        control = await stack.enter_async_context(SandboxClient.open(url, connect_within=EVENT_WAIT))
        http = await stack.enter_async_context(WeChatHttp.open(url, EVENT_WAIT))
        wecom = await stack.enter_async_context(WeChatHttp.open(f"{url}/wecom", EVENT_WAIT))
        yield World(url, app[SANDBOX], clock, control, http, wecom, SandboxTokens(http, wecom, control), ingress)
