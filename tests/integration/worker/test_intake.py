"""Requests of other programs on a real RabbitMQ and Redis: by the queue and by RPC, now and later."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import pytest

from tests.integration.worker.test_serve import Outside, a_worker, outside, settings
from tests.support.queues import until_dead
from wxbus.bus.dead_letters import DeadLetters
from wxbus.bus.topology import Topology
from wxbus.errors import RpcFailure
from wxbus.messages import Bus
from wxbus.messages.broadcasts import BroadcastService
from wxbus.rpc import Client
from wxbus.rpc.auth.keys import new_key
from wxbus_local.servers.ports import free_port
from wxbus_worker import Router, Signal, reply
from wxbus_worker.settings import WorkerSettings

pytestmark = pytest.mark.integration

__all__ = ["outside", "settings"]

ALL = ("messages:send:*", "messages:event:*", "messages:cancel:*")


def a_router() -> Router:
    """Return a router with one handler of signals."""
    router = Router()

    @router.signal("paid")
    async def paid(signal: Signal) -> reply.Text:
        return reply.Text(f"paid {signal.data['order']}")

    return router


@pytest.fixture
async def bus(amqp_url: str, topology: Topology) -> AsyncIterator[Bus]:
    """Return the bus of another program, which reaches RabbitMQ only."""
    async with Bus.open(amqp_url, topology=topology) as bus:
        yield bus


async def test_requests_wait_in_rabbitmq_and_arrive_in_order(
    settings: WorkerSettings, bus: Bus, outside: tuple[Outside, str]
) -> None:
    """Requests of before a worker runs are handled when it does, in order for each user, repeated ids once."""
    for number in range(20):
        for openid in ("o_1", "o_2"):
            await bus.send("shop", openid, reply.Text(f"{number}"), id=f"number-{number}")
    assert await bus.event("wx1", "o_1", "paid", {"order": "88"}, id="payment") == "payment"
    await bus.event("wx1", "o_1", "paid", {"order": "88"}, id="payment")
    await bus.send("shop", "o_1", reply.Text("last"))
    wechat, _ = outside
    async with a_worker(settings, a_router()):
        await wechat.until_sent(42)

    numbers = [str(number) for number in range(20)]
    assert wechat.sent == {"o_1": [*numbers, "paid 88", "last"], "o_2": numbers}


async def test_any_program_can_publish_a_request(
    settings: WorkerSettings, amqp_url: str, topology: Topology, outside: tuple[Outside, str]
) -> None:
    """A JSON message in the queue is enough; what is no request becomes a dead letter that names the field."""
    wechat, _ = outside
    good = {"type": "send", "account": "shop", "openid": "o_1", "reply": {"kind": "text", "content": "hello"}}
    bodies = [
        b"not JSON",
        json.dumps({**good, "openid": None}).encode(),
        json.dumps({**good, "account": "nobody"}).encode(),
        json.dumps(good).encode(),
    ]
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        # Before the worker: of two who declare a quorum queue at once, one may publish too early, and is refused.
        await channel.declare_queue(
            topology.requests_queue.name, durable=True, arguments=dict(topology.requests_queue.arguments)
        )
        async with a_worker(settings, a_router()):
            for body in bodies:
                await channel.default_exchange.publish(
                    aio_pika.Message(body, delivery_mode=2), routing_key=topology.requests_queue.name
                )
            await wechat.until_sent(1)
            await until_dead(amqp_url, topology, 3)  # requests about others are taken at the same time
    assert wechat.sent == {"o_1": ["hello"]}
    async with DeadLetters.open(amqp_url, topology) as letters:
        errors = sorted([letter.error async for letter in letters.read()])
    assert [error.partition(": ")[0] for error in errors] == [
        "UnknownAccount",
        "UnreadableEnvelope",
        "UnreadableEnvelope",
    ]
    assert "there is no account nobody" in errors[0]
    assert any("send.openid" in error for error in errors)


async def test_rpc_says_what_became_of_a_request(
    settings: WorkerSettings, amqp_url: str, topology: Topology, tmp_path: Path, outside: tuple[Outside, str]
) -> None:
    """Over HTTP and RabbitMQ: the key's scopes decide, unknown accounts and wrong arguments are errors at once."""
    key, entry = new_key("billing", ALL)
    other, other_entry = new_key("other", ["messages:send:mini"])
    (tmp_path / "keys.toml").write_text(f"{entry.as_toml()}\n{other_entry.as_toml()}")
    port = free_port()
    settings = settings.model_copy(update={"api_keys_file": tmp_path / "keys.toml", "port": port})
    wechat, _ = outside
    http = f"http://127.0.0.1:{port}"
    soon = datetime.now(UTC) + timedelta(hours=1)
    async with a_worker(settings, a_router()):
        await listening(port)
        for url in (http, amqp_url):
            async with Bus.open(url, key, topology=topology) as bus:
                await bus.send("shop", "o_1", reply.Text(f"by {url.partition(':')[0]}"))
                await bus.event("shop", "o_1", "paid", {"order": "1"}, id="payment")
                await bus.send("shop", "o_1", reply.Text("never"), id="later", send_at=soon)
                assert await bus.cancel("shop", "o_1", "later") is True
                assert await bus.cancel("shop", "o_1", "later") is False
                with pytest.raises(RpcFailure, match=r"404 .* nobody"):
                    await bus.send("nobody", "o_1", reply.Text("x"))
                with pytest.raises(ValueError, match="send_at: must be at most 366 days"):
                    await bus.send("shop", "o_1", reply.Text("x"), send_at=soon + timedelta(days=400))
            async with Bus.open(url, other, topology=topology) as bus:
                with pytest.raises(RpcFailure, match="403"):
                    await bus.send("shop", "o_1", reply.Text("x"))
        await wechat.until_sent(3)
    assert sorted(wechat.sent["o_1"]) == ["by amqp", "by http", "paid 1"]


async def test_a_scheduled_message_is_sent_at_its_time(
    settings: WorkerSettings, bus: Bus, outside: tuple[Outside, str]
) -> None:
    """It is not sent before; a cancelled one is never sent; the same id is stored once; past times mean now."""
    wechat, _ = outside
    async with a_worker(settings, a_router()):
        await bus.send("shop", "o_1", reply.Text("now"), send_at=datetime.now(UTC))
        await wechat.until_sent(1)
        soon = datetime.now(UTC) + timedelta(seconds=1)
        await bus.send("shop", "o_1", reply.Text("later"), id="a", send_at=soon)
        await bus.send("shop", "o_1", reply.Text("later again"), id="a", send_at=soon)
        await bus.send("shop", "o_1", reply.Text("cancelled"), id="b", send_at=soon + timedelta(days=1))
        assert await bus.cancel("shop", "o_1", "b") is None
        await bus.event("shop", "o_1", "paid", {"order": "2"}, send_at=soon)
        await wechat.until_sent(3)
        assert datetime.now(UTC) >= soon
    assert wechat.sent["o_1"][0] == "now"
    assert sorted(wechat.sent["o_1"][1:]) == ["later", "paid 2"]


async def test_broadcasts_by_rpc(
    settings: WorkerSettings, amqp_url: str, topology: Topology, tmp_path: Path, outside: tuple[Outside, str]
) -> None:
    """Created, filled in several calls, and sent; wrong ones are refused at once, and other accounts see nothing."""
    key, entry = new_key("marketing", ["broadcast:*:shop", "broadcast:*:wx1", "broadcast:*:mini"])
    (tmp_path / "keys.toml").write_text(entry.as_toml())
    with settings.accounts.accounts_file.open("a") as accounts:
        accounts.write('[accounts.mini]\nappid = "wx2"\nkind = "mini_program"\n')
    settings = settings.model_copy(update={"api_keys_file": tmp_path / "keys.toml", "port": 0})
    wechat, _ = outside
    async with a_worker(settings, a_router()), Client.open(amqp_url, key, topology=topology, timeout=30) as client:
        service = client.bind(BroadcastService)
        new = await service.create(account="shop", id="sale", message=reply.Text("sale"), rate=500)
        assert (new.state, new.total) == ("collecting", 0)
        await service.add(account="shop", id="sale", openids=[f"o_{number}" for number in range(30)])
        started = await service.add(account="wx1", id="sale", openids=["o_1", "o_30"], complete=True)
        assert started.total == 31
        assert (await service.add(account="shop", id="sale", complete=True)).total == 31
        await wechat.until_sent(31)
        while (await service.status(account="shop", id="sale")).state != "done":  # noqa: ASYNC110 - in Redis
            await asyncio.sleep(0.05)
        assert [one.sent for one in (await service.list(account="shop")).broadcasts] == [31]
        assert (await service.refused(account="shop", id="sale")).refused == []
        assert (await service.list(account="mini")).broadcasts == []

        paused = await service.create(account="shop", id="paused", message=reply.Text("sale"))
        assert paused.state == "collecting"
        assert (await service.pause(account="shop", id="paused", reason="not yet")).reason == "not yet"
        assert (await service.resume(account="shop", id="paused")).state == "collecting"
        assert (await service.cancel(account="shop", id="paused")).state == "cancelled"
        with pytest.raises(RpcFailure, match="409 Not collecting: broadcast paused is cancelled"):
            await service.add(account="shop", id="paused", openids=["o_1"])
        with pytest.raises(RpcFailure, match="409 Another broadcast"):
            await service.create(account="shop", id="sale", message=reply.Text("another"))
        with pytest.raises(RpcFailure, match="404 No such broadcast: account mini has no broadcast sale"):
            await service.status(account="mini", id="sale")
        with pytest.raises(RpcFailure, match="422 No followers: account mini is mini_program"):
            await service.create(account="mini", message=reply.Text("sale"), all_followers=True)
        with pytest.raises(RpcFailure, match="422 Not sendable"):
            await service.create(account="shop", message=reply.Markdown("# sale"))
        with pytest.raises(RpcFailure, match="403"):
            await service.list(account="nobody")
    assert {openid: len(texts) for openid, texts in wechat.sent.items()} == {f"o_{n}": 1 for n in range(31)}


async def listening(port: int) -> None:
    """Return once something listens there."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
