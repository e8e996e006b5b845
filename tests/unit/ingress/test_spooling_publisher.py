"""Callbacks go to RabbitMQ while it confirms in time, otherwise to the spool, always in the order of arrival."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tests.support.brokers import FakeBroker
from tests.support.envelopes import an_envelope
from tests.support.metrics import until_spool_drained
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.errors import SpoolUnavailable
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.spooling_publisher import SpoolingPublisher
from wxbus_ingress.settings import Limits, SpoolLimits
from wxbus_ingress.spool.spool import Spool

SPOOL_SHARE, BUDGET = 20.0, 30.0
"""Seconds, long enough for a busy disk."""


@dataclass
class Rig:
    """A publisher with its broker and spool."""

    broker: FakeBroker
    spool: Spool
    spooling: SpoolingPublisher
    registry: CollectorRegistry
    waiting: PendingAnswers

    async def publish(self, *numbers: int, openid: str = "o_1") -> None:
        """Publish envelopes one after another."""
        for number in numbers:
            await self.spooling.publish(an_envelope(number, openid=openid), budget=BUDGET)

    async def until_drained(self) -> None:
        """Return once callbacks go to RabbitMQ directly."""
        await until_spool_drained(self.registry)

    def metric(self, name: str) -> float:
        """Return the value of a metric."""
        return self.registry.get_sample_value(f"wxbus_ingress_{name}") or 0


@pytest.fixture
def rigged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens a rig; `limits` and `spool` override settings."""
    monkeypatch.setattr("wxbus_ingress.publishing.spooling_publisher.SPOOL_RESERVE", SPOOL_SHARE)

    @asynccontextmanager
    async def rigged(*, spool: dict[str, Any] | None = None, **limits: Any) -> AsyncIterator[Rig]:
        broker, registry = FakeBroker(), CollectorRegistry()
        metrics = SpoolMetrics(registry)
        spool_limits = SpoolLimits(**{"disk_floor": 0, **(spool or {})})
        settings = Limits(**{"broker_budget": 0.05, **limits})
        async with Spool.open(tmp_path / "spool-0.sqlite", spool_limits) as opened:
            metrics.observe(opened)
            waiting = PendingAnswers()
            async with SpoolingPublisher.open(broker, opened, settings, metrics, waiting) as spooling:
                yield Rig(broker, opened, spooling, registry, waiting)

    return rigged


@pytest.fixture
async def rig(rigged: Callable[..., Any]) -> AsyncIterator[Rig]:
    """A rig with default limits."""
    async with rigged() as rig:
        yield rig


def numbers(envelopes: list[Envelope]) -> list[int]:
    """Return the bodies as numbers."""
    return [int(envelope.body) for envelope in envelopes]


async def test_while_rabbitmq_confirms_the_spool_is_not_used(rig: Rig) -> None:
    """While RabbitMQ confirms, a callback costs one confirm and is not written to the spool."""
    await rig.publish(1, 2, 3)

    assert numbers(rig.broker.arrived) == [1, 2, 3]
    assert (rig.spool.rows, rig.metric("spool_added_total"), rig.spool.next_number()) == (0, 0, 4)


@pytest.mark.parametrize("fault", ["away", "freeze"])
async def test_without_a_confirm_it_is_in_the_spool(rig: Rig, fault: str) -> None:
    """A callback is accepted once the spool has it, under the id that RabbitMQ may have."""
    getattr(rig.broker, fault)()
    await rig.publish(1)

    [spooled] = await rig.spool.oldest(10)
    assert spooled.envelope.body == b"1"
    assert {spooled.envelope.id} >= {envelope.id for envelope in rig.broker.arrived}
    assert (rig.metric("spool_active"), rig.metric("spool_callbacks"), rig.metric("spool_added_total")) == (1, 1, 1)


async def test_after_a_failure_callbacks_go_to_the_spool_directly(rig: Rig) -> None:
    """After one callback without a confirm, callbacks of all users skip RabbitMQ."""
    rig.broker.away()
    await rig.publish(0)
    rig.broker.asked = 0
    await asyncio.gather(*(rig.publish(number, openid=f"o_{number}") for number in range(1, 20)))

    assert rig.broker.asked <= 1  # by the drainer
    assert rig.spool.rows == 20


async def test_the_spool_is_drained_in_order(rig: Rig) -> None:
    """When RabbitMQ is available again it gets the spool first; afterwards callbacks are published directly."""
    rig.broker.away()
    await rig.publish(1, 2, 3)
    rig.broker.back()
    await rig.until_drained()
    await rig.publish(4)

    assert numbers(rig.broker.first_copies()) == [1, 2, 3, 4]
    assert (rig.spool.rows, rig.metric("spool_drained_total"), rig.metric("spool_added_total")) == (0, 3, 3)


async def test_an_envelope_with_an_unknown_outcome_is_published_again(rig: Rig) -> None:
    """The second copy has the same id, so workers drop it."""
    rig.broker.freeze()
    await rig.publish(1)
    rig.broker.back()
    await rig.until_drained()

    assert len(rig.broker.arrived) >= 2
    assert len({envelope.id for envelope in rig.broker.arrived}) == 1


async def test_a_late_failure_keeps_its_place(rigged: Callable[..., Any]) -> None:
    """A callback that still waits for RabbitMQ is published before a later one that is in the spool."""
    async with rigged(broker_budget=BUDGET) as rig:
        rig.broker.freeze()
        first = asyncio.create_task(rig.publish(1))
        await asyncio.sleep(0)
        assert rig.broker.asked == 1
        await rig.spooling.publish(an_envelope(0, openid="o_2"), budget=SPOOL_SHARE + 0.01)  # a short time for RabbitMQ
        await rig.publish(2)
        assert not first.done()
        assert rig.broker.asked == 2  # the drainer has not started
        rig.broker.expire()
        await first
        rig.broker.back()
        await rig.until_drained()

        direct, drained = rig.broker.arrived[:2], rig.broker.arrived[2:]
        assert (numbers(direct), numbers(drained)) == ([1, 0], [1, 0, 2])


async def test_above_the_in_flight_limit_callbacks_go_to_the_spool(rigged: Callable[..., Any]) -> None:
    """A slow broker does not make memory grow."""
    async with rigged(max_in_flight=3, broker_budget=BUDGET) as rig:
        rig.broker.freeze()
        publishing = [asyncio.create_task(rig.publish(number)) for number in range(5)]
        await asyncio.wait(publishing, return_when=asyncio.FIRST_COMPLETED)
        assert (rig.broker.asked, numbers([row.envelope for row in await rig.spool.oldest(9)])) == (3, [3, 4])
        rig.broker.back()
        await asyncio.gather(*publishing)
        await rig.until_drained()

        assert numbers(rig.broker.arrived) == [0, 1, 2, 3, 4]


async def test_without_broker_and_spool_callbacks_are_refused(rigged: Callable[..., Any]) -> None:
    """One of the two is enough to accept callbacks again."""
    async with rigged(spool={"size_limit": 1}) as rig:
        rig.broker.away()
        for number in (1, 2):
            with pytest.raises(SpoolUnavailable, match="the spool is full"):
                await rig.publish(number)
        assert rig.metric("spool_refused_total") == 2
        rig.broker.back()
        await rig.until_drained()
        await rig.publish(3)

        assert numbers(rig.broker.first_copies())[-1] == 3


async def test_a_disk_that_hangs_is_an_error_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without an answer ends with the budget."""

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.spool, "add", hangs)
    rig.broker.away()

    with pytest.raises(SpoolUnavailable, match="did not answer in time"):
        await rig.spooling.publish(an_envelope(1), budget=0.1)


async def test_the_rows_of_the_last_process_go_first(rigged: Callable[..., Any]) -> None:
    """After a restart the spool is drained before new callbacks are published."""
    async with rigged() as rig:
        rig.broker.away()
        await rig.publish(1, 2)
    async with rigged() as rig:
        await rig.publish(3)
        await rig.until_drained()

        assert numbers(rig.broker.first_copies()) == [1, 2, 3]


async def test_the_switch_back_succeeds_under_constant_load(rig: Rig) -> None:
    """The last rows delay arrivals for a moment; otherwise the spool would never be empty."""
    plenty, over = asyncio.Event(), asyncio.Event()
    sent = 0

    async def user(openid: str) -> None:
        nonlocal sent
        while not over.is_set():
            sent += 1
            if sent == 300:
                plenty.set()
            await rig.publish(sent, openid=openid)

    rig.broker.away()
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(user(f"o_{number}"))
        await plenty.wait()
        rig.broker.back()
        await rig.until_drained()
        over.set()
    await rig.until_drained()

    assert {int(envelope.body) for envelope in rig.broker.arrived} == set(range(1, sent + 1))


@pytest.mark.parametrize("seed", range(5))
async def test_outages_lose_and_reorder_nothing(rigged: Callable[..., Any], seed: int) -> None:
    """Whatever the broker does, each user's callbacks arrive completely and in the order of arrival."""
    dice = random.Random(seed)
    over = asyncio.Event()

    async def weather(broker: FakeBroker) -> None:
        while not over.is_set():
            dice.choice((broker.away, broker.freeze, broker.back))()
            await asyncio.sleep(dice.uniform(0, 0.03))
        broker.back()

    async with rigged(broker_budget=0.02, max_in_flight=6) as rig:

        async def user(openid: str) -> None:
            for number in range(60):
                await rig.publish(number, openid=openid)

        async with asyncio.TaskGroup() as group:
            group.create_task(weather(rig.broker))
            async with asyncio.TaskGroup() as users:
                for number in range(10):
                    users.create_task(user(f"o_{number}"))
            over.set()
        await rig.until_drained()
        await rig.publish(60)

        lanes: dict[str, list[int]] = {}
        for envelope in rig.broker.first_copies():
            lanes.setdefault(envelope.lane, []).append(int(envelope.body))
        assert lanes.pop("wx1:o_1") == list(range(61))
        assert list(lanes.values()) == [list(range(60))] * 9


async def test_a_spooled_callback_does_not_wait_for_an_answer(rig: Rig) -> None:
    """The waiting callback gets an empty answer, and the copy that arrives later requests none."""
    waiting = rig.waiting
    envelope = an_envelope(1, reply_to="amq.rabbitmq.reply-to", correlation_id="c", expiration=4.0)
    rig.broker.away()
    with waiting.expect(envelope.id) as awaited:
        await rig.spooling.publish(envelope, budget=BUDGET)
        assert awaited.result() == PassiveAnswer()
    rig.broker.back()
    await rig.until_drained()
    assert rig.broker.arrived[-1] == replace(envelope, reply_to=None, correlation_id=None, expiration=None)


async def test_a_note_leaves_the_spool_first(rig: Rig) -> None:
    """After a long outage it would be too late behind all callbacks."""
    rig.broker.away()
    await rig.publish(1, 2)
    await rig.spooling.publish(an_envelope(3, kind=EnvelopeKind.DELIVERED_PASSIVELY), budget=BUDGET)
    assert numbers([row.envelope for row in await rig.spool.oldest(9)]) == [3, 1, 2]
    rig.broker.back()
    await rig.until_drained()
    assert numbers(rig.broker.first_copies()) == [3, 1, 2]


async def test_a_note_does_not_wait_for_the_spool(rigged: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """While the spool is being drained, a note is published at once."""
    async with rigged(broker_budget=BUDGET) as rig:
        monkeypatch.setattr(rig.broker, "until_usable", asyncio.Event().wait)  # nothing leaves the spool
        rig.broker.away()
        await rig.spooling.publish(an_envelope(1), budget=SPOOL_SHARE + 0.01)
        rig.broker.back()
        await rig.spooling.publish(an_envelope(2, kind=EnvelopeKind.DELIVERED_PASSIVELY), budget=BUDGET)
        assert (numbers(rig.broker.arrived), rig.spool.rows) == ([2], 1)
