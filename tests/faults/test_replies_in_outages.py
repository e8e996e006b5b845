"""RabbitMQ fails between the answer to WeChat and the note about it: no reply is sent twice unless a process dies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.alarms import clear_memory_alarm, raise_memory_alarm
from tests.support.metrics import counted, until_spool_drained
from tests.support.proxy import Proxy, proxied
from tests.support.sizes import soak
from tests.support.whole import Whole, an_account, whole
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits
from wxbus_local.servers.server import Server
from wxbus_sandbox.models import Outcome
from wxbus_sandbox.settings import Rules
from wxbus_worker import Router, TextMessage, reply
from wxbus_worker.replies.passive import Caller
from wxbus_worker.sweepers.replies import ReplySweeper

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

BUDGET = 20.0
"""Seconds, so that no answer is late on a slow machine."""
LEFT, GRACE = 0.2, 0.3
"""Seconds that the worker has, so that deadlines pass soon."""
AFTER_OUTAGE = 600.0
"""Seconds, on a clock that tests advance."""
ACK = 0.1
"""Seconds in which the worker's ack reaches RabbitMQ; otherwise the message is redelivered without effect."""
SWEEPS = 3
"""Sweeps in which a faulty worker would publish that the deadline has passed."""

Open = Callable[..., AbstractAsyncContextManager[Whole]]
Sweeps: TypeAlias = asyncio.Queue[bool]

router = Router()


@router.text
async def two(message: TextMessage) -> list[reply.Text]:
    """Return a passive reply and a second reply, which is sent after the outcome of the first is known."""
    return [reply.Text(message.content), reply.Text("more")]


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    """Receives, for each sweep of pending replies, whether RabbitMQ was available."""
    ended: asyncio.Queue[bool] = asyncio.Queue()
    sweep = ReplySweeper.sweep

    async def recorded(sweeper: ReplySweeper) -> int:
        try:
            found = await sweep(sweeper)
        except BrokerUnavailable:
            ended.put_nowait(False)
            raise
        ended.put_nowait(True)
        return found

    monkeypatch.setattr(ReplySweeper, "sweep", recorded)
    return ended


@pytest.fixture
def world(redis_url: str, redis: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Ingress, worker and WeChat; `redis` deletes the keys afterwards."""
    assert redis is not None
    left = vars(Caller)["seconds_left"].fget
    monkeypatch.setattr(Caller, "seconds_left", property(lambda caller: min(LEFT, left(caller))))
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


async def fail_before_the_note(
    world: Whole, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch, outage: Callable[[], None]
) -> None:
    """Start an outage between the answer to WeChat and the note; return when the worker notices the outage."""
    settled = world.rig.settled

    async def publish(spooling: SpoolingPublisher, envelope: Envelope, *, budget: float) -> None:
        if envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY:
            await world.rig.until_settled(settled + 1)
            await asyncio.sleep(ACK)
            await until(sweeps, well=True)
            world.clock.ahead += AFTER_OUTAGE  # RabbitMQ was available until now
            outage()
        await original(spooling, envelope, budget=budget)

    original = SpoolingPublisher.publish
    monkeypatch.setattr(SpoolingPublisher, "publish", publish)
    result = await world.sandbox.text("shop", "hello")
    assert (result.outcome, result.shown) == (Outcome.REPLIED, "hello")
    await until(sweeps, well=False)


async def until(sweeps: Sweeps, *, well: bool, times: int = 1) -> None:
    """Return after `times` more sweeps that found RabbitMQ available or not."""
    while not sweeps.empty():
        sweeps.get_nowait()
    for _ in range(times):
        while await sweeps.get() is not well:
            pass


async def outcome(world: Whole) -> tuple[list[str], float, float]:
    """Return the texts sent by customer service and the counts of both notes, once no reply is pending."""
    await world.until_decided()
    passive = world.rig.metrics.passive
    return (
        world.rig.wechat.texts,
        counted(passive.labels("delivered")),
        counted(passive.labels("deadline_passed")),
    )


@dataclass
class Cut:
    """Ingress and worker, each cut off from RabbitMQ by a proxy of its own."""

    world: Whole
    ingress: Proxy
    worker: Proxy


CutOff = Callable[[], AbstractAsyncContextManager[Cut]]


@pytest.fixture
def cut_off(amqp_url: str, topology: Topology, world: Open, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch) -> CutOff:
    """Cuts both off between the answer to WeChat and the note about it."""

    @asynccontextmanager
    async def cut() -> AsyncIterator[Cut]:
        async with (
            proxied(amqp_url) as (ingress, ingress_url),
            proxied(amqp_url) as (worker, worker_url),
            world(
                amqp_url=amqp_url, topology=topology, ingress_amqp_url=ingress_url, worker_amqp_url=worker_url
            ) as running,
        ):
            await fail_before_the_note(running, sweeps, monkeypatch, partial(hang, (ingress, worker)))
            yield Cut(running, ingress, worker)

    return cut


def hang(proxies: Sequence[Proxy]) -> None:
    """Forward nothing."""
    for proxy in proxies:
        proxy.blackhole()


@pytest.mark.parametrize("lost", [True, False], ids=["connections lost", "connections kept"])
async def test_a_worker_that_is_back_first_waits_for_ingress(cut_off: CutOff, sweeps: Sweeps, *, lost: bool) -> None:
    """However long the outage, the note in the spool of ingress decides once ingress has connected."""
    async with cut_off() as cut:
        if lost:
            await asyncio.gather(cut.ingress.refuse(), cut.worker.refuse())
        for proxy in (cut.worker, cut.ingress):
            assert cut.world.rig.wechat.texts == []
            await come_back(proxy)
            await until(sweeps, well=True, times=SWEEPS)
        assert await outcome(cut.world) == (["more"], 1, 0)


async def come_back(proxy: Proxy) -> None:
    """Forward again, or accept connections."""
    if proxy.listening:
        proxy.flow()
    else:
        await proxy.listen()


async def test_without_ingress_nothing_is_lost(cut_off: CutOff, sweeps: Sweeps) -> None:
    """If ingress does not come back, the reply is sent after RabbitMQ was available for the configured time."""
    async with cut_off() as cut:
        await asyncio.gather(cut.ingress.refuse(), cut.worker.refuse())
        await cut.worker.listen()
        await until(sweeps, well=True, times=SWEEPS)
        assert cut.world.rig.wechat.texts == []
        cut.world.clock.ahead += AFTER_OUTAGE
        assert await outcome(cut.world) == (["hello", "more"], 0, 1)


async def test_rabbitmq_itself_comes_back(
    own_rabbitmq: Server, namespace: str, world: Open, sweeps: Sweeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After RabbitMQ is killed or frozen, the lane gets the note about the answer, and not that its deadline passed."""
    outages: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (own_rabbitmq.freeze, own_rabbitmq.thaw),
        *soak([(partial(raise_memory_alarm, own_rabbitmq), partial(clear_memory_alarm, own_rabbitmq))], []),
        (own_rabbitmq.kill, own_rabbitmq.start),
    ]
    async with world(amqp_url=own_rabbitmq.url, topology=Topology(namespace, partitions=4)) as running:
        for number, (outage, end) in enumerate(outages, start=1):
            with monkeypatch.context() as patch:
                await fail_before_the_note(running, sweeps, patch, outage)
            await asyncio.to_thread(end)
            assert await outcome(running) == (["more"] * number, number, 0)
            await until_spool_drained(running.registry)
