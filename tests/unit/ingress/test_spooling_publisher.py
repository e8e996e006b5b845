"""Callbacks go to RabbitMQ while it confirms in time, else to the spool; their order is that of arrival either way."""

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
"""Seconds: a disk that is busy with other things is in time, too."""


@dataclass
class Rig:
    """A handover with its two sides."""

    broker: FakeBroker
    spool: Spool
    spooling: SpoolingPublisher
    registry: CollectorRegistry
    waiting: PendingAnswers

    async def publish(self, *numbers: int, openid: str = "o_1") -> None:
        """Hand over envelopes one after another."""
        for number in numbers:
            await self.spooling.publish(an_envelope(number, openid=openid), budget=BUDGET)

    async def until_drained(self) -> None:
        """Return once callbacks go to RabbitMQ directly."""
        await until_spool_drained(self.registry)

    def metric(self, name: str) -> float:
        """Return a metric's value."""
        return self.registry.get_sample_value(f"wxbus_ingress_{name}") or 0


@pytest.fixture
def rigged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes a rig; `limits` and `spool` override settings."""
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
    """The usual one."""
    async with rigged() as rig:
        yield rig


def numbers(envelopes: list[Envelope]) -> list[int]:
    """Return the bodies."""
    return [int(envelope.body) for envelope in envelopes]


async def test_while_rabbitmq_confirms_the_disk_is_not_touched(rig: Rig) -> None:
    """The usual way is one confirm, and nothing else."""
    await rig.publish(1, 2, 3)

    assert numbers(rig.broker.arrived) == [1, 2, 3]
    assert (rig.spool.rows, rig.metric("spool_added_total"), rig.spool.next_number()) == (0, 0, 4)


@pytest.mark.parametrize("fault", ["away", "freeze"])
async def test_without_a_confirm_it_is_in_the_spool(rig: Rig, fault: str) -> None:
    """A callback returns as accepted once the spool has it, under the id that RabbitMQ may have seen."""
    getattr(rig.broker, fault)()
    await rig.publish(1)

    [spooled] = await rig.spool.oldest(10)
    assert spooled.envelope.body == b"1"
    assert {spooled.envelope.id} >= {envelope.id for envelope in rig.broker.arrived}
    assert (rig.metric("spool_active"), rig.metric("spool_callbacks"), rig.metric("spool_added_total")) == (1, 1, 1)


async def test_after_a_failure_nobody_waits_for_rabbitmq_any_more(rig: Rig) -> None:
    """Once one callback had no confirm the next go straight to the spool, whoever their user is."""
    rig.broker.away()
    await rig.publish(0)
    rig.broker.asked = 0
    await asyncio.gather(*(rig.publish(number, openid=f"o_{number}") for number in range(1, 20)))

    assert rig.broker.asked <= 1  # the drainer's, waiting
    assert rig.spool.rows == 20


async def test_the_spool_is_drained_in_order_and_then_left_alone(rig: Rig) -> None:
    """Back again, RabbitMQ gets what waited in the order of arrival; after that the way is direct."""
    rig.broker.away()
    await rig.publish(1, 2, 3)
    rig.broker.back()
    await rig.until_drained()
    await rig.publish(4)

    assert numbers(rig.broker.first_copies()) == [1, 2, 3, 4]
    assert (rig.spool.rows, rig.metric("spool_drained_total"), rig.metric("spool_added_total")) == (0, 3, 3)


async def test_an_unknown_outcome_is_sent_again_under_its_id(rig: Rig) -> None:
    """What RabbitMQ took without telling arrives twice with one id: workers drop the second copy."""
    rig.broker.freeze()
    await rig.publish(1)
    rig.broker.back()
    await rig.until_drained()

    assert len(rig.broker.arrived) >= 2
    assert len({envelope.id for envelope in rig.broker.arrived}) == 1


async def test_what_fails_later_keeps_its_place(rigged: Callable[..., Any]) -> None:
    """A callback still waiting for RabbitMQ when a later one goes to the spool is handled before that one."""
    async with rigged(broker_budget=0.3) as rig:
        rig.broker.freeze()
        first = asyncio.create_task(rig.publish(1))
        await asyncio.sleep(0)
        assert rig.broker.asked == 1
        await rig.spooling.publish(an_envelope(0, openid="o_2"), budget=SPOOL_SHARE + 0.01)  # short with RabbitMQ
        await rig.publish(2)
        assert not first.done()
        assert rig.broker.asked == 2  # the drainer has not begun
        await first
        rig.broker.back()
        await rig.until_drained()

        direct, drained = rig.broker.arrived[:2], rig.broker.arrived[2:]
        assert (numbers(direct), numbers(drained)) == ([1, 0], [1, 0, 2])


async def test_too_many_in_flight_go_to_the_spool(rigged: Callable[..., Any]) -> None:
    """A broker that is well but too slow does not make memory grow: past the bound the disk takes over."""
    async with rigged(max_in_flight=3, broker_budget=2) as rig:
        rig.broker.freeze()
        publishing = [asyncio.create_task(rig.publish(number)) for number in range(5)]
        await asyncio.wait(publishing, return_when=asyncio.FIRST_COMPLETED)
        assert (rig.broker.asked, numbers([row.envelope for row in await rig.spool.oldest(9)])) == (3, [3, 4])
        rig.broker.back()
        await asyncio.gather(*publishing)
        await rig.until_drained()

        assert numbers(rig.broker.arrived) == [0, 1, 2, 3, 4]


async def test_neither_way_is_an_error(rigged: Callable[..., Any]) -> None:
    """With RabbitMQ away and the spool at its limit nothing is accepted; either one back is enough."""
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


async def test_a_spool_that_hangs_costs_the_budget_and_no_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that does not answer is an error in time, not a hang."""

    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rig.spool, "add", hangs)
    rig.broker.away()

    with pytest.raises(SpoolUnavailable, match="did not answer in time"):
        await rig.spooling.publish(an_envelope(1), budget=0.1)


async def test_what_the_last_process_left_goes_first(rigged: Callable[..., Any]) -> None:
    """After a restart the spool is drained before anything new goes out."""
    async with rigged() as rig:
        rig.broker.away()
        await rig.publish(1, 2)
    async with rigged() as rig:
        await rig.publish(3)
        await rig.until_drained()

        assert numbers(rig.broker.first_copies()) == [1, 2, 3]


async def test_under_a_load_without_pauses_it_becomes_direct_again(rig: Rig) -> None:
    """Arrivals that never pause would keep the spool from ever being empty: its last rows hold them up for a moment."""
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
async def test_nothing_is_lost_or_turned_round_by_outages(rigged: Callable[..., Any], seed: int) -> None:
    """Whatever the broker does meanwhile, each user's callbacks arrive completely and in the order of arrival."""
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


async def test_what_goes_to_the_spool_keeps_nobody_waiting(rig: Rig) -> None:
    """Who waits for a worker's answer is told that none comes; the copy that arrives later asks for none."""
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
    """It would come too late behind a long outage."""
    rig.broker.away()
    await rig.publish(1, 2)
    await rig.spooling.publish(an_envelope(3, kind=EnvelopeKind.DELIVERED_PASSIVELY), budget=BUDGET)
    assert numbers([row.envelope for row in await rig.spool.oldest(9)]) == [3, 1, 2]
    rig.broker.back()
    await rig.until_drained()
    assert numbers(rig.broker.first_copies()) == [3, 1, 2]


async def test_a_note_does_not_wait_for_the_spool(rigged: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """While the spool is being emptied it goes to RabbitMQ at once."""
    async with rigged(broker_budget=BUDGET) as rig:
        monkeypatch.setattr(rig.broker, "until_usable", asyncio.Event().wait)  # nothing leaves the spool
        rig.broker.away()
        await rig.spooling.publish(an_envelope(1), budget=SPOOL_SHARE + 0.01)
        rig.broker.back()
        await rig.spooling.publish(an_envelope(2, kind=EnvelopeKind.DELIVERED_PASSIVELY), budget=BUDGET)
        assert (numbers(rig.broker.arrived), rig.spool.rows) == ([2], 1)
