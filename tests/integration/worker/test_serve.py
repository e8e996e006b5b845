"""The whole worker on a real RabbitMQ and Redis; WeChat and the token service are small HTTP servers."""

import asyncio
import json
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.asyncio import Redis

from tests.support.proxy import proxied
from tests.support.stores import open_store
from tests.support.worker import a_text_envelope
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.config.settings import load
from wxbus.rpc import Server, method, service
from wxbus.rpc.auth.keys import ApiKeys, new_key
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.amqp import AmqpServer
from wxbus.tokens.messages import TokenAnswer, TokenRequest
from wxbus_worker import (
    Account,
    ConfigurationError,
    Context,
    Contexts,
    RetryLater,
    RetryPolicy,
    Router,
    TextMessage,
    Undelivered,
    current_delivery,
    reply,
)
from wxbus_worker.app import serve
from wxbus_worker.settings import WorkerSettings
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration


class Outside:
    """WeChat's API and the token service."""

    def __init__(self) -> None:
        self.sent: defaultdict[str, list[str]] = defaultdict(list)
        """Texts by openid."""
        self.tokens: set[str] = set()
        """Access tokens that calls came with."""
        self.appids: set[str] = set()
        """Whose access tokens were asked for."""
        self.answers = asyncio.Event()
        """Clear it to let senders of replies wait."""
        self.answers.set()
        self._changed = asyncio.Condition()

    def app(self) -> web.Application:
        """Return both as one server."""
        app = web.Application()
        app.add_routes([web.post("/cgi-bin/message/custom/send", self._send), web.post("/rpc/token/get", self._token)])
        return app

    async def until_sent(self, count: int) -> None:
        """Return after this number of replies."""
        async with self._changed:
            await self._changed.wait_for(lambda: sum(map(len, self.sent.values())) >= count)

    async def until_distinct(self, count: int) -> None:
        """Return after this number of different replies."""
        async with self._changed:
            await self._changed.wait_for(lambda: sum(len(set(texts)) for texts in self.sent.values()) >= count)

    async def _send(self, request: web.Request) -> web.Response:
        self.tokens.add(request.query["access_token"])
        body = await request.json()
        if body["text"]["content"] == "refused":
            return web.json_response({"errcode": 40007, "errmsg": "invalid media_id"})
        self.sent[body["touser"]].append(body["text"]["content"])
        async with self._changed:
            self._changed.notify_all()
        await self.answers.wait()
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    async def _token(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer the-key"
        self.appids.add((await request.json())["appid"])
        return web.json_response({"access_token": "the-token", "expires_in": 7200})


@pytest.fixture
async def outside() -> AsyncIterator[tuple[Outside, str]]:
    """Return both, with their addresses."""
    outside = Outside()
    async with TestServer(outside.app()) as server:
        yield outside, str(server.make_url("")).rstrip("/")


@pytest.fixture
def settings(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    amqp_url: str,
    redis_url: str,
    topology: Topology,
    redis: Redis,
    outside: tuple[Outside, str],
) -> WorkerSettings:
    """Return the settings of a worker on the test's servers."""
    assert redis is not None
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[accounts.shop]\nappid = "wx1"\nkind = "official_account"\n')
    for name, value in {
        "AMQP_URL": amqp_url,
        "REDIS_URL": redis_url,
        "NAMESPACE": topology.namespace,
        "PARTITIONS": str(topology.partitions),
        "ACCOUNTS_FILE": str(accounts),
        "WECHAT_API_URL": outside[1],
        "WECHAT_API_TIMEOUT": "30",  # a reply without an answer would be sent again
        "WORKER_TOKEN_URL": outside[1],
        "WORKER_TOKEN_API_KEY": "the-key",
        "WORKER_ADMIN_PORT": "0",
        "WORKER_RETRY_DELAYS": "1s",
    }.items():
        monkeypatch.setenv(f"WXBUS_{name}", value)
    return load(WorkerSettings)


@asynccontextmanager
async def a_worker(
    settings: WorkerSettings, router: Router, *, registry: CollectorRegistry | None = None
) -> AsyncIterator[Callable[[], Any]]:
    """Run a worker; yield a function that stops it and waits for its end."""
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(settings, router, stopping=stopping, registry=registry or CollectorRegistry()))

    async def stop() -> None:
        stopping.set()
        await task

    try:
        yield stop
    finally:
        await stop()


async def publish_numbers(publisher: Publisher, *, users: int, each: int) -> None:
    """Publish messages 0, 1, 2 ... of each user, mixed."""
    for one in range(each):
        for openid in (f"o_{user}" for user in range(users)):
            await publisher.publish(a_text_envelope(str(one), openid=openid, lane=f"wx1:{openid}"), budget=10)


async def test_a_message_is_replied_to(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """It goes through queue, handler, context and token to WeChat; a failed one after its retry.

    The worker remembers the context, and its metrics say so.
    """
    router, registry = Router(), CollectorRegistry()

    @router.text("fail once")
    async def fail_once() -> reply.Text:
        if current_delivery().attempt == 1:
            raise RuntimeError("on purpose")
        return reply.Text(f"at attempt {current_delivery().attempt}")

    @router.text
    async def count(message: TextMessage, context: Context) -> reply.Text:
        context.storage["count"] = context.storage.get("count", 0) + 1
        return reply.Text(f"{message.content} {context.storage['count']}")

    wechat, _ = outside
    async with (
        Publisher.open(amqp_url, topology, name="test") as publisher,
        a_worker(settings, router, registry=registry),
    ):
        duplicate = a_text_envelope("b")
        for envelope in (
            a_text_envelope("a"),
            duplicate,
            duplicate,
            a_text_envelope("c"),
            a_text_envelope("fail once"),
        ):
            await publisher.publish(envelope, budget=10)
        await wechat.until_sent(4)
        assert registry.get_sample_value("wxbus_worker_cached_contexts") == 1
        assert (registry.get_sample_value("wxbus_worker_cached_contexts_bytes") or 0) > 1_000

    assert wechat.sent == {"o_1": ["a 1", "b 2", "c 3", "at attempt 2"]}
    assert wechat.tokens == {"the-token"}


async def test_the_objects_and_hooks_of_a_router(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """Objects live as long as the worker; a refused reply comes back through the lane to its hook.

    A provider that fails stops the start, and the error names it.
    """
    router, events = Router(), list[str]()

    class Prices:
        """What the router provides."""

    @asynccontextmanager
    async def open_prices() -> AsyncIterator[Prices]:
        events.append("opened")
        yield Prices()
        events.append("closed")

    def refuse() -> None:
        raise OSError("no prices")

    @asynccontextmanager
    async def broken() -> AsyncIterator[Prices]:
        refuse()
        yield Prices()

    router.provide(Prices, open_prices)

    @router.on_start
    async def start(_prices: Prices, contexts: Contexts) -> None:
        events.append(f"started {len([one async for one in contexts.list()])}")

    @router.text
    async def refused(prices: Prices) -> str:
        assert isinstance(prices, Prices)
        return "refused"

    @router.on_undelivered
    async def told(undelivered: Undelivered, context: Context) -> str:
        events.append(f"{type(undelivered.error).__name__} {len(context.responses)}")
        return "told"

    wechat, _ = outside
    async with Publisher.open(amqp_url, topology, name="test") as publisher, a_worker(settings, router):
        await publisher.publish(a_text_envelope("a"), budget=10)
        await wechat.until_sent(1)
    assert wechat.sent == {"o_1": ["told"]}
    assert events == ["opened", "started 0", "BadRequest 1", "closed"]

    failing = Router("failing")
    failing.provide(Prices, broken)
    failing.default(refused)
    with pytest.raises(ConfigurationError, match=r"broken of Prices failed: OSError: no prices"):
        await serve(settings, failing, stopping=asyncio.Event(), registry=CollectorRegistry())


@service("token")
class Tokens:
    """The methods of the token service that a worker calls."""

    @method(TokenRequest, scopes=["token:get:{appid}"])
    async def get(self, request: TokenRequest) -> TokenAnswer:
        """Always return the same token."""
        return TokenAnswer(access_token=f"{request.appid}-over-rabbitmq", expires_in=7200)


async def test_tokens_come_over_rabbitmq_too(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """If RabbitMQ's address is set as that of the token service, its queue is used."""
    router = Router()

    @router.text
    async def greet() -> reply.Text:
        return reply.Text("hello")

    key, entry = new_key("worker", ["token:get:*"])
    server = Server([Tokens()], access=ApiKeyAccess(ApiKeys.of([entry])), registry=CollectorRegistry())
    settings = settings.model_copy(update={"token_url": amqp_url, "token_api_key": SecretStr(key)})
    wechat, _ = outside
    async with (
        AmqpServer.open(server, amqp_url, topology, name="token"),
        Publisher.open(amqp_url, topology, name="test") as publisher,
        a_worker(settings, router),
    ):
        await publisher.publish(a_text_envelope(), budget=10)
        await wechat.until_sent(1)
    assert wechat.tokens == {"wx1-over-rabbitmq"}


async def test_new_accounts_are_served(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """The accounts file is read again; accounts that authorised a platform need not be listed."""
    router = Router()

    @router.text
    async def tell(account: Account) -> reply.Text:
        return reply.Text(f"{account.name} {account.appid}")

    wechat, _ = outside
    settings = settings.model_copy(update={"retry_delays": ("1s", "5s", "30s")})  # until the file is read
    theirs = {"account": "platform", "appid": "wxauthorizer", "lane": "wxauthorizer:o_2", "openid": "o_2"}
    async with Publisher.open(amqp_url, topology, name="test") as publisher, a_worker(settings, router):
        await publisher.publish(a_text_envelope(), budget=10)
        await wechat.until_sent(1)
        settings.accounts.accounts_file.write_text('[accounts.platform]\nappid = "wxp"\nkind = "component"\n')
        os.kill(os.getpid(), signal.SIGHUP)
        await publisher.publish(a_text_envelope(**theirs), budget=10)
        await wechat.until_sent(2)

    assert wechat.sent == {"o_1": ["shop wx1"], "o_2": ["platform wxauthorizer"]}
    assert wechat.appids == {"wx1", "wxauthorizer"}


async def test_order_holds_while_workers_come_and_go(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """With more messages than the prefetch, and three workers that start and stop, each is handled once, in order."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    router = Router()

    @router.text
    async def number(message: TextMessage, context: Context) -> reply.Text:
        seen = context.storage.setdefault("seen", [])
        seen.append(int(message.content))
        await asyncio.sleep(chance.random() / 200)
        return reply.Text(message.content)

    users, each = 8, 40
    wechat, _ = outside
    async with (
        Publisher.open(amqp_url, topology, name="test") as publisher,
        a_worker(settings, router) as stop_first,
        a_worker(settings, router),
    ):
        await publish_numbers(publisher, users=users, each=each)
        await wechat.until_sent(users * each // 4)
        await stop_first()
        async with a_worker(settings, router):
            await wechat.until_sent(users * each)

    assert wechat.sent == {f"o_{user}": [str(one) for one in range(each)] for user in range(users)}


async def test_messages_are_handled_once_when_workers_die(
    settings: WorkerSettings,
    topology: Topology,
    amqp_url: str,
    redis_url: str,
    namespace: str,
    outside: tuple[Outside, str],
) -> None:
    """Workers are disconnected at any point: each message is committed once, in order, and no reply is missing."""
    router = Router(max_record_count=1)

    @router.text
    async def number(message: TextMessage, context: Context) -> reply.Text:
        context.storage.setdefault("seen", []).append(int(message.content))
        await asyncio.sleep(0)
        return reply.Text(message.content)

    users, each = 16, 20  # no lane overflows: the next worker would wait for its note
    wechat, _ = outside
    settings = settings.model_copy(update={"send_lease": 3.0})
    async with Publisher.open(amqp_url, topology, name="test") as publisher:
        await publish_numbers(publisher, users=users, each=each)
        for share in (1, 2, 3):
            dying = asyncio.create_task(serve(settings, router, stopping=asyncio.Event(), registry=CollectorRegistry()))
            await wechat.until_sent(users * each * share // 5)
            dying.cancel()
            await asyncio.wait([dying])
            assert dying.cancelled()
        async with a_worker(settings, router):
            await wechat.until_distinct(users * each)

    async with open_store(redis_url) as store:
        contexts = RedisContextStore(store, namespace=namespace, policy=router.context_policy)
        for user in range(users):
            opened = await contexts.open(ContextKey("wx1", f"o_{user}", f"wx1:o_{user}"), "")
            assert opened.context.storage["seen"] == list(range(each))
            assert list(dict.fromkeys(wechat.sent[f"o_{user}"])) == [str(one) for one in range(each)]


async def test_messages_in_flight_are_committed_once_when_rabbitmq_dies(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """A running handler runs again; a reply that is being sent is finished, and its message is a duplicate."""
    router = Router()
    runs: Counter[str] = Counter()
    running, cancelled = asyncio.Event(), asyncio.Event()

    @router.text
    async def handle(message: TextMessage, context: Context) -> reply.Text:
        runs[message.from_user] += 1
        context.storage["count"] = context.storage.get("count", 0) + 1
        if message.from_user == "o_handled" and not running.is_set():
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
        return reply.Text(str(context.storage["count"]))

    wechat, _ = outside
    wechat.answers.clear()
    users = {openid: {"openid": openid, "lane": f"wx1:{openid}"} for openid in ("o_handled", "o_replied")}
    async with proxied(amqp_url) as (proxy, url), Publisher.open(amqp_url, topology, name="test") as publisher:
        bus = settings.bus.model_copy(update={"amqp_url": SecretStr(url)})
        async with a_worker(settings.model_copy(update={"bus": bus}), router):
            for user in users.values():
                await publisher.publish(a_text_envelope(**user), budget=10)
            await running.wait()
            await wechat.until_sent(1)
            await proxy.refuse()
            await cancelled.wait()
            wechat.answers.set()
            await proxy.listen()
            await wechat.until_sent(2)
            for user in users.values():
                await publisher.publish(a_text_envelope(**user), budget=10)
            await wechat.until_sent(4)

    assert wechat.sent == {"o_handled": ["1", "2"], "o_replied": ["1", "2"]}
    assert runs == {"o_handled": 3, "o_replied": 2}


async def test_a_graceful_stop_finishes_running_messages_only(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """The running message is finished and acknowledged; the next worker gets the others, in order."""
    router = Router()
    started, go_on = asyncio.Event(), asyncio.Event()
    runs: list[str] = []

    @router.text
    async def handle(message: TextMessage) -> reply.Text:
        runs.append(message.content)
        started.set()
        await go_on.wait()
        return reply.Text(message.content)

    wechat, _ = outside
    async with Publisher.open(amqp_url, topology, name="test") as publisher:
        async with a_worker(settings, router) as stop:
            for text in "abc":
                await publisher.publish(a_text_envelope(text), budget=10)
            await started.wait()
            stopped = asyncio.create_task(stop())
            await asyncio.sleep(0)
            go_on.set()
            await stopped
        assert runs == ["a"]
        assert wechat.sent == {"o_1": ["a"]}
        async with a_worker(settings, router):
            await wechat.until_sent(3)

    assert runs == ["a", "b", "c"]
    assert wechat.sent == {"o_1": ["a", "b", "c"]}


async def test_a_graceful_stop_does_not_wait_for_a_blocked_lane(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """The blocking message returns to the queue before those behind it; the next worker gets them."""
    router = Router()
    failed, may_work = asyncio.Event(), asyncio.Event()
    runs: list[str] = []

    @router.text(retry=RetryPolicy(delays=(timedelta(minutes=2),), attempts=3, blocking=True))
    async def handle(message: TextMessage) -> reply.Text:
        runs.append(message.content)
        if not may_work.is_set():
            failed.set()
            raise RetryLater
        return reply.Text(message.content)

    wechat, _ = outside
    async with Publisher.open(amqp_url, topology, name="test") as publisher:
        async with a_worker(settings, router):
            for text in "ab":
                await publisher.publish(a_text_envelope(text), budget=10)
            await failed.wait()
        may_work.set()
        async with a_worker(settings, router):
            await wechat.until_sent(2)

    assert runs == ["a", "a", "b"]
    assert wechat.sent == {"o_1": ["a", "b"]}


async def test_after_the_grace_period_nothing_is_settled(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """A handler that does not end is cancelled; the next worker handles its message."""
    router = Router()
    runs: list[str] = []
    started, may_end = asyncio.Event(), asyncio.Event()

    @router.text
    async def handle(message: TextMessage, context: Context) -> reply.Text:
        runs.append(message.content)
        context.storage["count"] = context.storage.get("count", 0) + 1
        started.set()
        await may_end.wait()
        return reply.Text(f"{message.content} {context.storage['count']}")

    wechat, _ = outside
    impatient = settings.model_copy(update={"grace": 0.05})
    async with Publisher.open(amqp_url, topology, name="test") as publisher:
        async with a_worker(impatient, router):
            await publisher.publish(a_text_envelope("a"), budget=10)
            await started.wait()
        may_end.set()
        async with a_worker(settings, router):
            await wechat.until_sent(1)

    assert runs == ["a", "a"]
    assert wechat.sent == {"o_1": ["a 1"]}


async def test_wrong_settings_end_the_start(settings: WorkerSettings) -> None:
    """There is one error that names the setting, and no worker keeps running."""
    router = Router()

    @router.text
    async def handle() -> None: ...

    taken = web.AppRunner(web.Application())
    await taken.setup()
    await web.TCPSite(taken, "127.0.0.1", 0).start()
    _, port = taken.addresses[0]
    try:
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve(
                settings.model_copy(update={"admin_port": port}),
                router,
                stopping=asyncio.Event(),
                registry=CollectorRegistry(),
            )
    finally:
        await taken.cleanup()
    with pytest.raises(ConfigurationError, match="has no handlers"):
        await serve(settings, Router(), stopping=asyncio.Event(), registry=CollectorRegistry())


async def test_a_dead_letter_has_reason_attempts_and_traceback(
    settings: WorkerSettings, topology: Topology, amqp_url: str, outside: tuple[Outside, str]
) -> None:
    """After its last attempt a message is dead-lettered unchanged."""
    assert outside
    router = Router()

    @router.text
    async def fail() -> None:
        raise ZeroDivisionError("the reason")

    envelope = a_text_envelope("x")
    async with Publisher.open(amqp_url, topology, name="test") as publisher, a_worker(settings, router):
        await publisher.publish(envelope, budget=10)
        async with await aio_pika.connect(amqp_url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(topology.dead_queue.name)
            async with queue.iterator() as letters:
                letter = await anext(letters)
                await letter.ack()

    assert json.loads(letter.body) == json.loads(envelope.body)
    told = " ".join(f"{name}={value!r}" for name, value in letter.headers.items())
    assert "the reason" in told
    assert "attempts" in told
    assert "in fail" in told
