"""Ingress over real HTTP, with a publisher in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlencode

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.support.polling import until_read
from tests.support.pushes import AES_KEY, APPID, TOKEN, Push
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsCallback
from wxbus.accounts.models import Account, AccountKind
from wxbus.bus.envelope import Envelope
from wxbus.runtime.sockets import listening_socket
from wxbus.testing import MemoryPublisher
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.app import build_app
from wxbus_ingress.http.server import serving
from wxbus_ingress.settings import Limits

ALL_MODES = (Mode.PLAIN, Mode.COMPATIBLE, Mode.SECURE)


def an_account(name: str, **fields: object) -> Account:
    """Return a test account with the keys of `tests.support.pushes`."""
    return Account.model_validate(
        {
            "name": name,
            "appid": f"{APPID}-{name}",
            "kind": AccountKind.OFFICIAL_ACCOUNT,
            "token": TOKEN,
            "aes_key": AES_KEY,
            "modes": (Mode.SECURE,),
            **fields,
        }
    )


ACCOUNTS = Accounts(
    {
        account.name: account
        for account in (
            an_account("any", appid=APPID, modes=ALL_MODES),
            an_account("shop"),
            an_account("plain", modes=(Mode.PLAIN,), aes_key=None),
            an_account("xmlonly", formats=("xml",)),
            an_account("keyless", token=None, aes_key=None),
            an_account("corp", kind=AccountKind.WECOM),
            an_account("platform", kind=AccountKind.COMPONENT, formats=("xml",)),
            an_account("listed", kind=AccountKind.MINI_PROGRAM, component="platform", token=None, aes_key=None),
        )
    }
)


@dataclass
class Clock:
    """The time, or a fixed time: recorded pushes are years old."""

    stopped_at: float | None = None

    def __call__(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() if self.stopped_at is None else self.stopped_at


@dataclass
class Ingress:
    """A running ingress and a client."""

    url: str
    port: int
    http: aiohttp.ClientSession
    publisher: MemoryPublisher
    registry: CollectorRegistry
    clock: Clock
    callbacks: list[AccountsCallback]
    """Called when the accounts change."""

    def change_accounts(self, *accounts: Account) -> None:
        """Change the accounts to these."""
        for callback in self.callbacks:
            callback(Accounts({account.name: account for account in accounts}))

    async def post(self, push: Push, *, account: str = "any") -> tuple[int, str]:
        """Send a push; return status and text of the answer."""
        async with self.http.post(f"{self.url}/wechat/{account}", params=push.query, data=push.body) as answer:
            return answer.status, await answer.text()

    async def answer_to(self, push: Push, *, account: str) -> tuple[int, dict[str, str], bytes]:
        """Send a push; return status, headers without `Date`, and body of the answer."""
        async with self.http.post(f"{self.url}/wechat/{account}", params=push.query, data=push.body) as answer:
            headers = {name: value for name, value in answer.headers.items() if name != "Date"}
            return answer.status, headers, await answer.read()

    def counted(self, account: str, outcome: str) -> float:
        """Return the number of requests with an outcome."""
        labels = {"account": account, "outcome": outcome}
        return self.registry.get_sample_value("wxbus_ingress_requests_total", labels) or 0


@pytest.fixture
def limits() -> Limits:
    """A low limit for bodies, and long timeouts."""
    return Limits(body_limit=20_000, body_timeout=20, budget=20, max_age=300)


@pytest.fixture
async def ingress(limits: Limits) -> AsyncIterator[Ingress]:
    """A running ingress."""
    publisher, registry, callbacks, clock = MemoryPublisher(), CollectorRegistry(), list[AccountsCallback](), Clock()
    app = build_app(limits, ACCOUNTS, publisher, on_change=callbacks.append, clock=clock, registry=registry)
    async with serving(app, listening_socket("127.0.0.1", 0), grace=1) as port, aiohttp.ClientSession() as http:
        yield Ingress(f"http://127.0.0.1:{port}", port, http, publisher, registry, clock, callbacks)


@dataclass
class Inbox:
    """Accepts callbacks while `open` is set."""

    taken: list[Envelope] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:  # noqa: ARG002 - the port's signature
        """Store the envelope."""
        await self.open.wait()
        self.taken.append(envelope)


@dataclass
class Site:
    """A running ingress."""

    port: int
    inbox: Inbox
    registry: CollectorRegistry

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, *parts: bytes) -> bytes:
        """Send bytes on a new connection; return everything that arrives until the other side closes."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
            await writer.drain()
            await until_read()  # so that the parts do not arrive together
        answer = await reader.read()
        writer.close()
        return answer

    def metric(self, name: str) -> float:
        """Return the value of a metric."""
        return self.registry.get_sample_value(f"wxbus_ingress_{name}") or 0

    async def until(self, name: str, value: float) -> None:
        """Return once a metric has a value."""
        while self.metric(name) != value:  # noqa: ASYNC110 - a metric cannot be awaited
            await asyncio.sleep(0)


Sites: TypeAlias = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def sites() -> Sites:
    """Starts ingresses; arguments override limits."""

    @asynccontextmanager
    async def running(**limits: Any) -> AsyncIterator[Site]:
        inbox, registry = Inbox(), CollectorRegistry()
        inbox.open.set()
        settings = Limits(**{"body_timeout": 30, "budget": 30, **limits})
        app = build_app(settings, ACCOUNTS, inbox, registry=registry)
        async with serving(app, listening_socket("127.0.0.1", 0), grace=0.1) as port:
            yield Site(port, inbox, registry)

    return running


def wire(push: Push, *fields: str, method: str = "POST", path: str = "/wechat/any") -> bytes:
    """Return a push as bytes of HTTP; the connection is closed after the answer."""
    head = (f"{method} {path}?{urlencode(push.query)} HTTP/1.1", "Host: h", "Connection: close", *fields)
    return "\r\n".join((*head, f"Content-Length: {len(push.body)}", "", "")).encode() + push.body
