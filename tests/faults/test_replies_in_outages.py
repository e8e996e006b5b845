"""RabbitMQ goes away between the answer to WeChat and the note of it. While nobody dies, no reply is sent twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.alarms import clear_memory_alarm, raise_memory_alarm
from tests.support.metrics import until_spool_drained
from tests.support.proxy import Proxy, proxied
from tests.support.whole import Whole, an_account, whole
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable
from wxbus.wechat import TextMessage, reply
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits
from wxbus_local.servers.server import Server
from wxbus_sandbox.models import Outcome
from wxbus_sandbox.settings import Rules
from wxbus_worker import Router
from wxbus_worker.replies.passive import Caller
from wxbus_worker.sweepers.replies import ReplySweeper

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

BUDGET = 20.0
"""Seconds: nobody is late because the machine is slow."""
LEFT, GRACE = 0.2, 0.3
"""Seconds of these, as the worker believes: replies count as late soon all the same."""
AFTER_OUTAGE = 600.0
"""Seconds, by a clock that is set forward: RabbitMQ was there for as long as a test says."""
ACK = 0.1
"""Seconds in which the worker's acknowledgement reaches RabbitMQ; if not, the message comes again, to no effect."""
LOOKS = 3
"""At what is late, in which a worker that did not know better would have told a lane."""

Open = Callable[..., AbstractAsyncContextManager[Whole]]
Looks = "asyncio.Queue[bool]"

router = Router()


@router.text
async def two(message: TextMessage) -> list[reply.Text]:
    """Reply with what WeChat is answered with, and with one thing more, which is sent once that is known."""
    return [reply.Text(message.content), reply.Text("more")]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Of each look for late replies, whether RabbitMQ was well."""
    ended: asyncio.Queue[bool] = asyncio.Queue()
    sweep = ReplySweeper.sweep

    async def told(sweeper: ReplySweeper) -> int:
        try:
            found = await sweep(sweeper)
        except BrokerUnavailable:
            ended.put_nowait(False)
            raise
        ended.put_nowait(True)
        return found

    monkeypatch.setattr(ReplySweeper, "sweep", told)
    return ended


@pytest.fixture
def world(redis_url: str, redis: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Ingress, worker and WeChat; `redis` deletes the keys afterwards."""
    assert redis is not None
    seconds_left = Caller.seconds_left.fget
    assert seconds_left is not None
    monkeypatch.setattr(Caller, "seconds_left", property(lambda caller: min(LEFT, seconds_left(caller))))
    return partial(
        whole,
        router,
        redis_url=redis_url,
        folder=tmp_path,
        account=an_account(),
        limits=Limits(budget=BUDGET, broker_budget=5),
        rules=Rules(push_timeout=2 * BUDGET),
        pending_grace=GRACE,
        pending_after_outage=AFTER_OUTAGE,
    )


async def cut_in_the_window(
    world: Whole, looks: Looks, monkeypatch: pytest.MonkeyPatch, outage: Callable[[], None]
) -> None:
    """Let an outage begin when WeChat has its answer and RabbitMQ not the note; return when a worker knows of it."""
    settled = world.rig.settled

    async def publish(spooling: SpoolingPublisher, envelope: Envelope, *, budget: float) -> None:
        if envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY:
            await world.rig.until_settled(settled + 1)
            await asyncio.sleep(ACK)
            await until(looks, well=True)
            world.clock.ahead += AFTER_OUTAGE  # until now all was well
            outage()
        await handed_over(spooling, envelope, budget=budget)

    handed_over = SpoolingPublisher.publish
    monkeypatch.setattr(SpoolingPublisher, "publish", publish)
    result = await world.sandbox.text("shop", "hello")
    assert (result.outcome, result.shown) == (Outcome.REPLIED, "hello")
    await until(looks, well=False)


async def until(looks: Looks, *, well: bool, times: int = 1) -> None:
    """Return after so many more looks that ended so."""
    while not looks.empty():
        looks.get_nowait()
    for _ in range(times):
        while await looks.get() is not well:
            pass


async def decided(world: Whole) -> tuple[list[str], float, float]:
    """Return what was sent besides WeChat's answer when nothing waits any more, and what the lane was told first."""
    await world.until_decided()
    passive = world.rig.metrics.passive
    return (
        world.rig.wechat.texts,
        passive.labels("delivered")._value.get(),
        passive.labels("deadline_passed")._value.get(),
    )


@dataclass
class Cut:
    """Ingress and worker, each with a line of its own to RabbitMQ, that carries nothing any more."""

    world: Whole
    ingress: Proxy
    worker: Proxy


CutOff = Callable[[], AbstractAsyncContextManager[Cut]]


@pytest.fixture
def cut_off(amqp_url: str, topology: Topology, world: Open, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> CutOff:
    """Cut both off between the answer to WeChat and the note of it."""

    @asynccontextmanager
    async def cut() -> AsyncIterator[Cut]:
        async with (
            proxied(amqp_url) as (ingress, ingress_url),
            proxied(amqp_url) as (worker, worker_url),
            world(
                amqp_url=amqp_url, topology=topology, ingress_amqp_url=ingress_url, worker_amqp_url=worker_url
            ) as running,
        ):
            await cut_in_the_window(running, looks, monkeypatch, partial(hang, (ingress, worker)))
            yield Cut(running, ingress, worker)

    return cut


def hang(proxies: Sequence[Proxy]) -> None:
    """Carry nothing any more."""
    for proxy in proxies:
        proxy.blackhole()


@pytest.mark.parametrize("lost", [True, False], ids=["connections lost", "connections kept"])
async def test_a_worker_that_is_back_first_waits_for_ingress(cut_off: CutOff, looks: Looks, *, lost: bool) -> None:
    """However long RabbitMQ was away: what ingress kept of that time in its spool decides, when it has connected."""
    async with cut_off() as cut:
        if lost:
            await asyncio.gather(cut.ingress.refuse(), cut.worker.refuse())
        for proxy in (cut.worker, cut.ingress):
            assert cut.world.rig.wechat.texts == []
            await come_back(proxy)
            await until(looks, well=True, times=LOOKS)
        assert await decided(cut.world) == (["more"], 1, 0)


async def come_back(proxy: Proxy) -> None:
    """Carry bytes again, those held back included, or accept connections."""
    if proxy.listening:
        proxy.flow()
    else:
        await proxy.listen()


async def test_without_ingress_nothing_is_lost(cut_off: CutOff, looks: Looks) -> None:
    """It does not come back: once RabbitMQ was there for the time given, the reply is sent; WeChat may not have it."""
    async with cut_off() as cut:
        await asyncio.gather(cut.ingress.refuse(), cut.worker.refuse())
        await cut.worker.listen()
        await until(looks, well=True, times=LOOKS)
        assert cut.world.rig.wechat.texts == []
        cut.world.clock.ahead += AFTER_OUTAGE
        assert await decided(cut.world) == (["hello", "more"], 0, 1)


async def test_rabbitmq_itself_comes_back(
    own_rabbitmq: Server, namespace: str, world: Open, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, frozen, out of memory: the note of the answer is in the lane before any word of its being late."""
    outages: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (own_rabbitmq.freeze, own_rabbitmq.thaw),
        (partial(raise_memory_alarm, own_rabbitmq), partial(clear_memory_alarm, own_rabbitmq)),
        (own_rabbitmq.kill, own_rabbitmq.start),
    ]
    async with world(amqp_url=own_rabbitmq.url, topology=Topology(namespace, partitions=4)) as running:
        for number, (outage, end) in enumerate(outages, start=1):
            with monkeypatch.context() as patch:
                await cut_in_the_window(running, looks, patch, outage)
            await asyncio.to_thread(end)
            assert await decided(running) == (["more"] * number, number, 0)
            await until_spool_drained(running.registry)
