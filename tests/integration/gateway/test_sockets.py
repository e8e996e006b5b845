"""WebSockets: messages travel the user's lane to the worker, pushes come back in order and once."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import structlog
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from yarl import URL

from tests.integration.gateway.test_services import Orders, shop
from tests.support.gateway import OPENID, Gateways, Visitor
from tests.support.proxy import proxied
from tests.support.stores import open_store
from tests.support.token_service import eventually
from wxbus.bus.publisher import Publisher
from wxbus.messages import Bus
from wxbus.sockets.keys import SocketKeys
from wxbus.sockets.presence import LEASE, Connection, RedisPresence
from wxbus.sockets.pushes import PushLog
from wxbus.sockets.signals import CONNECTED
from wxbus_gateway.sessions.store import OVERLAP
from wxbus_gateway.sessions.tokens import id_of
from wxbus_gateway.sockets.intake import SocketIntake
from wxbus_gateway.sockets.protocol import CloseCode
from wxbus_worker import Context, Router, reply
from wxbus_worker.app import serve
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.settings import WorkerSettings

pytestmark = pytest.mark.integration

CAFE = "wx0000000000000002"
WAIT = 30.0
CLOSE_TOO_SLOW = b"\x88\x02" + CloseCode.TOO_SLOW.to_bytes(2, "big")
"""A close frame without a text."""


class Item(BaseModel):
    item: str
    count: int = 1


def a_router() -> Router:
    """Return handlers of sockets."""
    router = Router()

    @router.socket("cart.add")
    async def add(body: Item, context: Context) -> reply.Push:
        cart = context.storage.get("cart", [])
        context.storage["cart"] = cart = [*cart, body.item]
        return reply.Push("cart", {"items": cart})

    @router.socket("room.join")
    async def join() -> list[reply.JoinGroup | reply.Push]:
        return [reply.JoinGroup("room"), reply.Push("joined")]

    @router.socket("room.say")
    async def say(body: Item) -> reply.Push:
        return reply.Push("said", {"text": body.item}, to_group="room")

    @router.socket_connected()
    async def connected() -> reply.Push:
        return reply.Push("welcome")

    return router


@asynccontextmanager
async def working(world: Gateways, router: BaseRouter) -> AsyncIterator[None]:
    """Run a worker beside the gateways; if it fails, the block ends with its error instead of waiting for it."""
    settings = WorkerSettings.model_validate(
        {
            "token_url": world.settings.token_url,
            "token_api_key": world.settings.token_api_key,
            "admin_port": 0,
            "bus": world.settings.bus,
            "store": world.settings.store,
            "accounts": world.settings.accounts,
            "wechat": world.settings.wechat,
        }
    )
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, router, stopping=stopping, registry=CollectorRegistry()))
        try:
            yield
        finally:
            stopping.set()


class Client:
    """A client of a socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.missed = False
        """Whether the greeting says that pushes are gone."""
        self.position = ""
        """Of the last push, or of the greeting."""

    async def frame(self) -> dict[str, Any]:
        """Return the next frame."""
        async with asyncio.timeout(WAIT):
            frame: dict[str, Any] = await self.ws.receive_json()
        position = frame.get("position") or frame.get("hello", {}).get("position")
        self.position = position or self.position
        return frame

    async def pushes(self, count: int, *, named: str) -> list[dict[str, Any]]:
        """Return the bodies of the next pushes of this name; others are skipped."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            frame = await self.frame()
            if frame.get("name") == named:
                found.append(frame["body"])
        return found

    async def send(self, message_id: str, name: str, **body: object) -> None:
        """Send a message."""
        await self.ws.send_json({"id": message_id, "name": name, "body": body})

    async def until_ack(self, message_id: str) -> None:
        """Return when a message is acknowledged."""
        while (await self.frame()).get("ack") != message_id:
            pass

    async def code(self) -> int:
        """Return the code with which the gateway closes the socket."""
        async with asyncio.timeout(WAIT):
            while True:
                frame = await self.ws.receive()
                if frame.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}:
                    return self.ws.close_code or 0


@asynccontextmanager
async def connected(visitor: Visitor, *, last: str = "", account: str = "cafe") -> AsyncIterator[Client]:
    """Open a socket with the visitor's session."""
    headers = {"Authorization": f"Bearer {visitor.token}"}
    url = f"{visitor.url}/{account}/socket"
    async with visitor.http.ws_connect(url, headers=headers, params={"last": last} if last else {}) as ws:
        client = Client(ws)
        client.missed = (await client.frame())["hello"]["missed"]
        yield client


async def test_messages_are_handled_in_order_and_pushes_come_back(world: Gateways) -> None:
    """Each message is acknowledged and handled once, in order, with the user's context; repeated ids are dropped."""
    async with working(world, a_router()), world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit) as client:
            for number in range(20):
                await client.send(f"c{number}", "cart.add", item=str(number))
            await client.send("c3", "cart.add", item="3")
            acks: list[str] = []
            carts: list[list[str]] = []
            while len(acks) < 21 or len(carts) < 20:
                frame = await client.frame()
                acks += [frame["ack"]] if "ack" in frame else []
                carts += [frame["body"]["items"]] if frame.get("name") == "cart" else []
    assert acks == [*(f"c{number}" for number in range(20)), "c3"]
    assert carts == [[str(item) for item in range(number + 1)] for number in range(20)]


async def test_pushes_wait_while_the_client_is_away(world: Gateways, amqp_url: str) -> None:
    """A client that comes back, on another gateway, gets what it missed: in order, once."""
    async with (
        working(world, a_router()),
        world.running() as one,
        world.running() as other,
        Bus.open(amqp_url, topology=world.settings.bus.topology) as bus,
    ):
        visit = one()
        await world.log_in(visit)
        async with connected(visit) as client:
            await bus.send("cafe", OPENID, reply.Push("news", {"number": 0}))
            assert await client.pushes(1, named="news") == [{"number": 0}]
            last = client.position
        for number in range(1, 30):
            await bus.send("cafe", OPENID, reply.Push("news", {"number": number}), id=f"n{number}")
        elsewhere = Visitor(visit.http, other().url, visit.token)
        async with connected(elsewhere, last=last) as client:
            assert not client.missed
            assert await client.pushes(29, named="news") == [{"number": number} for number in range(1, 30)]
            await bus.send("cafe", OPENID, reply.Push("news", {"number": 30}))
            assert await client.pushes(1, named="news") == [{"number": 30}]


async def test_an_answer_that_is_faster_than_the_gateway_reaches_the_client(
    world: Gateways, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may answer a connection before the gateway goes on: a client without a position gets this push."""
    presence = SocketIntake.presence
    async with open_store(redis_url) as store, world.running() as visitor:
        pushes = PushLog(store, namespace=world.settings.store.namespace)

        async def answered(intake: SocketIntake, connection: Connection, signal: str) -> None:
            await presence(intake, connection, signal)
            if signal == CONNECTED:
                body = b'{"name": "welcome", "body": {"text": "hello"}}'
                await pushes.append(connection.appid, connection.openid, body, push_id=connection.id)

        monkeypatch.setattr(SocketIntake, "presence", answered)
        visit = visitor()
        await world.log_in(visit)
        for _ in ("a log without pushes", "a log with a push"):
            async with connected(visit) as client:
                assert await client.pushes(1, named="welcome") == [{"text": "hello"}]


async def test_a_gap_is_said(world: Gateways, amqp_url: str) -> None:
    """Pushes that were dropped, or a position of a log that is gone, are reported in the greeting."""
    async with (
        working(world, a_router()),
        world.running() as visitor,
        Bus.open(amqp_url, topology=world.settings.bus.topology) as bus,
    ):
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit) as client:
            await bus.send("cafe", OPENID, reply.Push("news", {"number": 0}))
            await client.pushes(1, named="news")
            position = client.position
        body = {"text": "x" * 50_000}
        for _ in range(30):  # 1.5 MB: over the limit of the log
            await bus.send("cafe", OPENID, reply.Push("large", body))
        async with connected(visit) as client:
            await bus.send("cafe", OPENID, reply.Push("news", {"number": 1}))
            await client.pushes(1, named="news")
        async with connected(visit, last=position) as client:
            assert client.missed
            assert (await client.frame())["name"] == "large"
        async with connected(visit, last="gone.7.1700000000000") as client:
            assert client.missed


async def test_a_push_to_a_group_reaches_its_members(world: Gateways, amqp_url: str) -> None:
    """Members of the group get it on every gateway, also if another program sends it; other users do not."""
    async with (
        working(world, a_router()),
        world.running() as one,
        world.running() as other,
        Bus.open(amqp_url, topology=world.settings.bus.topology) as bus,
    ):
        visits = [one(), other(), one()]
        for number, visit in enumerate(visits):
            await world.log_in(visit, openid=f"oMember{number}")
        async with connected(visits[0]) as first, connected(visits[1]) as second, connected(visits[2]) as third:
            for client in (first, second):
                await client.send("j", "room.join")
                await client.pushes(1, named="joined")
            await third.send("s", "room.say", item="hello")
            assert await first.pushes(1, named="said") == await second.pushes(1, named="said") == [{"text": "hello"}]
            pushed = reply.Push("said", {"text": "from elsewhere"}, to_group="room")
            await bus.send("cafe", "timetable", pushed)
            assert await first.pushes(1, named="said") == [{"text": "from elsewhere"}]
            await third.send("p", "cart.add", item="x")
            names: list[str] = []
            while "cart" not in names:
                names += [frame["name"]] if "name" in (frame := await third.frame()) else []
            assert "said" not in names


async def test_a_user_who_floods_is_slowed_down(world: Gateways) -> None:
    """Messages over the rate wait; none is refused, and all are acknowledged in order."""
    registry = CollectorRegistry()
    async with world.running(rate_limit=0.25, registry=registry) as visitor:
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit) as client:
            for number in range(2):
                await client.send(f"c{number}", "none")
            for number in range(2):
                await client.until_ack(f"c{number}")
    assert registry.get_sample_value("wxbus_gateway_slowed_messages_total") == 1


async def test_wrong_frames_and_sessions_close_the_socket(world: Gateways) -> None:
    """Each reason has its own code; a wrong token is refused before the socket opens."""
    async with world.running(sockets_per_user=2) as visitor:
        visit = visitor()
        await world.log_in(visit)
        codes = {}
        for name, frame in {
            "not JSON": "{",
            "no id": json.dumps({"name": "x"}),
            "wrong name": json.dumps({"id": "1", "name": "a b"}),
            "unknown field": json.dumps({"id": "1", "name": "a", "more": 1}),
            "lone surrogate": r'{"id": "1", "name": "a", "body": {"x": "\ud800"}}',
            "infinite": '{"id": "1", "name": "a", "body": {"x": 1e999}}',
            "ping without number": '{"ping": NaN}',
            "ping too large": json.dumps({"ping": 10**400}),
            "too large": json.dumps({"id": "1", "name": "a", "body": {"x": "y" * 70_000}}),
        }.items():
            async with connected(visit) as client:
                await client.ws.send_str(frame)
                codes[name] = await client.code()
        async with connected(visit) as client:
            await client.ws.send_json({"ping": 7})
            assert await client.frame() == {"pong": 7}
        async with connected(visit) as first, connected(visit), connected(visit):
            codes["too many"] = await first.code()
        async with connected(visit) as client:
            await visit.call("cafe/logout")
            codes["logout"] = await client.code()
        for token in (visit.token, "A" * 43):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with connected(Visitor(visit.http, visit.url, token)):
                    pass
            assert refused.value.status == 401
    assert codes == {
        "not JSON": 4400,
        "no id": 4400,
        "wrong name": 4400,
        "unknown field": 4400,
        "lone surrogate": 4400,
        "infinite": 4400,
        "ping without number": 4400,
        "ping too large": 4400,
        "too large": 1009,
        "too many": 4409,
        "logout": 4401,
    }


async def test_a_frame_at_the_limit_is_taken(world: Gateways) -> None:
    """64 KiB are bytes of UTF-8, so Chinese text has room, and short items are not counted with spaces."""
    async with world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit) as client:
            for number, body in enumerate(({"x": "茶" * 21_000}, {"x": [1] * 32_000})):
                frame = {"id": f"c{number}", "name": "none", "body": body}
                await client.ws.send_str(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
                await client.until_ack(f"c{number}")


async def test_a_socket_does_not_replace_the_token(world: Gateways, redis_url: str) -> None:
    """A token that is due stays: the client would not learn the new one, and be logged out a minute later."""
    async with world.running(session_renew_after=0.0) as visitor, open_store(redis_url) as store:
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit):
            key = f"{world.settings.store.namespace}:gateway:session:{id_of(visit.token or '')}"
            assert await store.command("TTL", key) > OVERLAP


async def test_a_session_that_ends_unheard_closes_its_sockets(world: Gateways, redis_url: str) -> None:
    """The announcement may be lost: the sessions of open sockets are looked at from time to time."""
    async with world.running(session_idle=6.0) as visitor, open_store(redis_url) as store:
        visit = visitor()
        await world.log_in(visit)
        async with connected(visit) as client:
            await store.command("DEL", f"{world.settings.store.namespace}:gateway:session:{id_of(visit.token or '')}")
            assert await client.code() == 4401


async def test_a_stopping_gateway_takes_no_new_sockets(world: Gateways, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that comes back to it gets a 503, instead of a socket that delays the stop."""
    monkeypatch.setattr("wxbus_gateway.sockets.socket.CLOSE_TIMEOUT", 30.0)  # the client has time to come back

    async def status_at_stop(client: Client, visit: Visitor) -> int:
        while "reconnect" not in await client.frame():
            pass
        try:
            async with connected(visit):
                return 101
        except aiohttp.WSServerHandshakeError as exc:
            return exc.status
        finally:
            await client.ws.close()

    async with world.running(drain=2.0) as visitor:
        visit = visitor()
        await world.log_in(visit)
        connection = connected(visit)
        client = await connection.__aenter__()
        status = asyncio.create_task(status_at_stop(client, visit))
    assert await status == 503
    await connection.__aexit__(None, None, None)


async def test_a_socket_that_waits_for_rabbitmq_is_not_opened_by_a_stopping_gateway(
    world: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets a 503, too: it would be open until the calls' time is over, and its end would not be posted."""
    waiting, usable = asyncio.Event(), asyncio.Event()

    async def until_usable(_: Publisher) -> None:
        waiting.set()
        await usable.wait()

    async def status(visit: Visitor) -> int:
        try:
            async with connected(visit):
                return 101
        except aiohttp.WSServerHandshakeError as exc:
            return exc.status

    async def until_stopping() -> None:
        while not any(entry["event"] == "gateway.stopping" for entry in logs):  # noqa: ASYNC110 - logs cannot be awaited
            await asyncio.sleep(0.01)
        usable.set()

    monkeypatch.setattr(Publisher, "until_usable", until_usable)
    monkeypatch.setattr("wxbus_gateway.http.socket_endpoint.READY", WAIT)
    with structlog.testing.capture_logs() as logs:
        async with world.running() as visitor:
            visit = visitor()
            await world.log_in(visit)
            opening = asyncio.create_task(status(visit))
            await waiting.wait()
            stopping = asyncio.create_task(until_stopping())
        assert await opening == 503
        await stopping


async def test_a_stopped_gateway_leaves_no_lease(
    world: Gateways, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is not taken again while the last calls run: another gateway would report a dead one."""
    monkeypatch.setattr("wxbus_gateway.sockets.hub.RENEW", 0.01)
    orders = Orders()
    async with open_store(redis_url) as store:
        async with world.running(shop(orders)) as visitor:
            visit = visitor()
            await world.log_in(visit)
            call = asyncio.create_task(visit.call("cafe/orders/slow", {"item": "tea"}))
            await orders.started.wait()
            asyncio.get_running_loop().call_later(0.3, orders.release.set)  # while the gateway is stopping
        assert (await call).status == 200
        assert await store.command("ZRANGE", f"{world.settings.store.namespace}:sockets:alive", 0, -1) == []


async def test_sockets_are_refused_while_rabbitmq_is_away(world: Gateways, amqp_url: str) -> None:
    """The client gets a 503 at once, not a connection that begins and ends; it connects once RabbitMQ is back."""

    async def until(visit: Visitor, status: int) -> None:
        found = 0
        async with asyncio.timeout(WAIT):
            while found != status:
                try:
                    async with connected(visit):
                        found = 101
                except (aiohttp.WSServerHandshakeError, TypeError) as exc:  # TypeError: closed before the greeting
                    found = exc.status if isinstance(exc, aiohttp.WSServerHandshakeError) else 0

    async with proxied(amqp_url) as (proxy, address):
        bus = world.settings.bus.model_copy(update={"amqp_url": SecretStr(address)})
        async with world.running(bus=bus, address_rate_limit=10_000, rate_limit=10_000) as visitor:
            visit = visitor()
            await world.log_in(visit)
            await proxy.refuse()
            await until(visit, 503)
            await proxy.listen()
            await until(visit, 101)


async def test_ends_that_a_stopping_gateway_cannot_post_are_posted(
    world: Gateways, amqp_url: str, redis_url: str
) -> None:
    """A gateway that stops while RabbitMQ is away leaves its connections for another one."""
    namespace = world.settings.store.namespace
    async with open_store(redis_url) as store, proxied(amqp_url) as (proxy, address):
        bus = world.settings.bus.model_copy(update={"amqp_url": SecretStr(address)})
        async with world.running(bus=bus) as visitor:
            visit = visitor()
            await world.log_in(visit)
            connection = connected(visit)
            await connection.__aenter__()
            (name,) = await store.command("ZRANGE", f"{namespace}:sockets:alive", 0, -1)
            await proxy.refuse()
        await connection.__aexit__(None, None, None)
        presence = RedisPresence(store, namespace=namespace)
        left = await presence.claim(name.decode(), "test")
        assert left is not None
        assert [one.openid for one in left.values()] == [OPENID]
        assert await presence.claim(name.decode(), "other") is None, "one gateway ends them"


async def test_positions_that_redis_has_lost_are_a_gap(redis_url: str, namespace: str) -> None:
    """After a crash Redis may be a second behind its clients: all later pushes reach them, and the gap is said.

    The numbers of lost pushes are given again, also up to and beyond the number that a client has.
    """
    async with open_store(redis_url) as store:
        pushes, keys = PushLog(store, namespace=namespace), SocketKeys(namespace)
        ends = []
        for number in range(4):
            await pushes.append(CAFE, OPENID, b"old %d" % number, push_id=f"old{number}")
            ends.append(await pushes.end_of(CAFE, OPENID))
        await store.command("LTRIM", keys.of_user(CAFE, OPENID, "pushes"), 0, 1)  # the crash
        await store.command("HINCRBY", keys.of_user(CAFE, OPENID, "pushes_state"), "seq", -2)
        while await store.now() * 1000 < ends[3].moment + 1:  # a restart takes longer than a millisecond
            pass
        later: list[bytes] = []
        for number in range(4):
            page = await pushes.read(CAFE, OPENID, ends[3])
            assert ([body for _, body in page.pushes], page.missed) == (later, True), number
            assert (page.position.number, page.position) == (2 + number, await pushes.end_of(CAFE, OPENID))
            later.append(b"new %d" % number)
            await pushes.append(CAFE, OPENID, later[-1], push_id=f"new{number}")
        page = await pushes.read(CAFE, OPENID, ends[1])
        assert ([body for _, body in page.pushes], page.missed) == (later, False), "nothing that it has was lost"


async def test_a_client_that_never_reads_is_cut_off(
    world: Gateways, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection and the bytes that wait for it are dropped, not kept until it reads."""
    monkeypatch.setattr("wxbus_gateway.sockets.socket.WRITE_TIMEOUT", 0.2)
    monkeypatch.setattr("wxbus_gateway.sockets.socket.CLOSE_TIMEOUT", 0.2)
    namespace = world.settings.store.namespace
    async with world.running() as visitor, open_store(redis_url) as store:
        visit = visitor()
        await world.log_in(visit)
        url = URL(visit.url)
        with socket.socket() as plain:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.connect((url.host, url.port))
            plain.sendall(
                b"GET /cafe/socket HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                b"Authorization: Bearer %b\r\n\r\n" % (visit.token or "").encode()
            )

            async def connections() -> int:
                (name,) = await store.command("ZRANGE", f"{namespace}:sockets:alive", 0, -1)
                return int(await store.command("HLEN", SocketKeys(namespace).connections(name.decode())))

            async with asyncio.timeout(WAIT):
                while not await connections():
                    pass
                pushes, number = PushLog(store, namespace=namespace), 0
                while await connections():
                    number += 1
                    await pushes.append(CAFE, OPENID, b'{"body":"%b"}' % (b"x" * 100_000), push_id=str(number))
            plain.setblocking(False)
            loop, received = asyncio.get_running_loop(), b""
            async with asyncio.timeout(WAIT):
                with contextlib.suppress(ConnectionResetError):
                    while data := await loop.sock_recv(plain, 2**20):
                        received = received[-10:] + data
    assert not received.endswith(CLOSE_TOO_SLOW), "what waited for it was kept"


async def test_the_token_may_be_a_subprotocol(world: Gateways) -> None:
    """Mini Programs on some platforms cannot set headers of a socket."""
    async with world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        url = f"{visit.url}/cafe/socket"
        async with visit.http.ws_connect(url, protocols=("wxbus", f"token.{visit.token}")) as ws:
            assert ws.protocol == "wxbus"
            assert "hello" in await Client(ws).frame()


async def test_a_stopping_gateway_asks_its_clients_to_connect_elsewhere(world: Gateways) -> None:
    """The client is notified first, then the socket is closed; nothing that was acknowledged is lost."""
    frames: list[dict[str, Any]] = []

    async def read(client: Client) -> int:
        frames.extend([frame.json() async for frame in client.ws])
        return client.ws.close_code or 0

    async with working(world, a_router()):
        async with world.running() as visitor:
            visit = visitor()
            await world.log_in(visit)
            connection = connected(visit)
            client = await connection.__aenter__()
            await client.send("c1", "cart.add", item="tea")
            while not any(frame.get("ack") == "c1" for frame in frames):
                frames.append(await client.frame())  # the push may come before the acknowledgement
            reading = asyncio.create_task(read(client))
        assert await reading == 1012
        assert any("reconnect" in frame for frame in frames)
        await connection.__aexit__(None, None, None)
        received = [frame for frame in frames if "position" in frame]
        last = received[-1]["position"] if received else client.position
        async with (
            world.running() as visitor,
            connected(Visitor(visit.http, visitor().url, visit.token), last=last) as client,
        ):
            if not any(frame["name"] == "cart" for frame in received):
                assert await client.pushes(1, named="cart") == [{"items": ["tea"]}]


async def test_a_connection_that_redis_has_lost_is_noted_again(world: Gateways, redis_url: str) -> None:
    """After a crash of Redis a user may be connected without a note of it: pushes reach the user all the same."""
    namespace = world.settings.store.namespace
    async with open_store(redis_url) as store, proxied(redis_url) as (proxy, address):
        pushes, presence = PushLog(store, namespace=namespace), RedisPresence(store, namespace=namespace)

        async def noted() -> bool:
            return await presence.is_connected(CAFE, OPENID)

        settings = world.settings.store.model_copy(update={"redis_url": SecretStr(address)})
        async with world.running(store=settings) as visitor:
            visit = visitor()
            await world.log_in(visit)
            async with connected(visit) as client:
                await store.command("DEL", SocketKeys(namespace).of_user(CAFE, OPENID, "gateways"))
                proxy.abort()
                await pushes.append(CAFE, OPENID, b'{"name":"news","body":{}}', push_id="1")
                assert await client.pushes(1, named="news") == [{}]
                await eventually(noted)  # the socket reads its pushes before and after it
                await pushes.append(CAFE, OPENID, b'{"name":"news","body":{}}', push_id="2")
                assert await client.pushes(1, named="news") == [{}]


async def test_the_connections_of_a_dead_gateway_are_ended_once(world: Gateways, redis_url: str) -> None:
    """Other gateways post `socket-disconnected` for each of its connections, exactly once."""
    ended: list[str] = []
    both = asyncio.Event()
    router = Router()

    @router.socket_disconnected()
    async def disconnected(context: Context) -> None:
        ended.append(str(context.openid))
        if len(ended) == 2:
            both.set()

    async with open_store(redis_url) as store:
        namespace = world.settings.store.namespace
        presence = RedisPresence(store, namespace=namespace)
        for number in range(2):
            await presence.add("dead", Connection(f"c{number}", "cafe", CAFE, f"oGone{number}"))
        await store.command("ZADD", f"{namespace}:sockets:alive", await store.now() - LEASE, "dead")

        async def forgotten() -> bool:
            return await presence.dead() == []

        async with working(world, router), world.running(), world.running():
            async with asyncio.timeout(WAIT):
                await both.wait()
            await eventually(forgotten)  # after the posts, which may be handled before they are confirmed
        assert sorted(ended) == ["oGone0", "oGone1"]
        assert not await presence.is_connected(CAFE, "oGone0")
