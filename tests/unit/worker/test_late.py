"""When the deadline of a pending reply counts as passed: not while ingress's note may still be on its way."""

import asyncio
import itertools

import pytest
from structlog.testing import capture_logs

from tests.support.clock import Clock
from tests.support.worker import KEY, SHOP, Rig, a_text_envelope
from wxbus.bus.envelope import EnvelopeKind
from wxbus.errors import BrokerUnavailable
from wxbus_worker import Router, TextMessage, reply
from wxbus_worker.store.ports import CLAIM_SECONDS
from wxbus_worker.sweepers.replies import ReplySweeper

AFTER_OUTAGE = 20.0
LATER = 120.0
"""Long after the deadline, with its grace."""


@pytest.fixture
async def rig() -> Rig:
    """Return a worker with a pending reply past its deadline."""
    router = Router()

    @router.text
    async def echo(message: TextMessage) -> reply.Text:
        return reply.Text(message.content)

    rig = Rig(router, account=SHOP.model_copy(update={"reply": "passive"}), clock=Clock())  # claims do not expire
    await rig.handle(a_text_envelope("a", reply_to="ingress", correlation_id="c", expiration=60.0))
    rig.ahead = LATER
    return rig


def a_sweeper(rig: Rig) -> ReplySweeper:
    """Return the worker's sweeper, which has just connected to RabbitMQ."""
    return ReplySweeper(
        rig.memory, rig.memory_publisher, after_outage=AFTER_OUTAGE, every=0, clock=lambda: LATER + rig.ahead
    )


@pytest.fixture
async def sweeper(rig: Rig) -> ReplySweeper:
    """Return a sweeper that has been connected to RabbitMQ for long enough."""
    sweeper = a_sweeper(rig)
    assert await sweeper.sweep() == 0
    rig.ahead += AFTER_OUTAGE
    return sweeper


async def test_no_deadline_passes_before_rabbitmq_was_available_for_a_while(rig: Rig) -> None:
    """A worker that starts does not know whether RabbitMQ was unavailable before."""
    sweeper = a_sweeper(rig)
    for _ in range(3):
        assert await sweeper.sweep() == 0
    rig.ahead += AFTER_OUTAGE
    assert await sweeper.sweep() == 1
    assert [(note.kind, note.lane) for note in rig.memory_publisher.published] == [
        (EnvelopeKind.REPLY_DEADLINE_PASSED, KEY.lane)
    ]


async def test_a_reconnect_restarts_the_time(rig: Rig, sweeper: ReplySweeper) -> None:
    """RabbitMQ was unavailable: ingress may still have to connect, and has notes in its spool."""
    rig.memory_publisher.connections += 1
    assert await sweeper.sweep() == 0
    rig.ahead += AFTER_OUTAGE
    assert await sweeper.sweep() == 1


async def test_an_outage_is_logged_once(rig: Rig, sweeper: ReplySweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each sweep would fill the log."""
    rig.memory_publisher.unavailable = True
    looks, looked_often = itertools.count(), asyncio.Event()
    sweep = sweeper.sweep

    async def counted() -> int:
        if next(looks) == 3:
            looked_often.set()
        return await sweep()

    monkeypatch.setattr(sweeper, "sweep", counted)
    with capture_logs() as lines:
        running = asyncio.create_task(sweeper.run())
        await looked_often.wait()
        running.cancel()
        await asyncio.wait([running])
    assert [line["event"] for line in lines] == ["background.unavailable"]


async def test_a_blocked_rabbitmq_restarts_the_time(rig: Rig, sweeper: ReplySweeper) -> None:
    """An alarm keeps the connections open: the time starts when RabbitMQ accepts messages again."""
    rig.memory_publisher.unavailable = True
    with pytest.raises(BrokerUnavailable):
        await sweeper.sweep()
    rig.memory_publisher.unavailable = False
    assert await sweeper.sweep() == 0
    rig.ahead += AFTER_OUTAGE
    assert await sweeper.sweep() == 1


async def test_a_rabbitmq_that_hangs_gets_no_note(
    rig: Rig, sweeper: ReplySweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe detects it: a note that RabbitMQ accepts now would be in the lane before those of ingress."""
    publisher = rig.memory_publisher

    async def hangs(*, budget: float) -> None:
        raise BrokerUnavailable(f"no answer within {budget} s")

    with monkeypatch.context() as patch:
        patch.setattr(publisher, "probe", hangs)
        with pytest.raises(BrokerUnavailable, match="no answer"):
            await sweeper.sweep()
    rig.ahead += CLAIM_SECONDS
    assert await sweeper.sweep() == 0
    assert publisher.published == []
    rig.ahead += AFTER_OUTAGE
    assert await sweeper.sweep() == 1


async def test_an_outage_between_probe_and_note_holds_the_note_back(
    rig: Rig, sweeper: ReplySweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ reports an alarm only to publishers: the probe is the first to notice it."""
    publisher = rig.memory_publisher

    async def blocked_by_it(*, budget: float) -> None:  # noqa: ARG001 - as the outlet's
        publisher.unavailable = True

    monkeypatch.setattr(publisher, "probe", blocked_by_it)
    with pytest.raises(BrokerUnavailable):
        await sweeper.sweep()
    assert publisher.published == []


async def test_no_probe_is_published_without_a_passed_deadline(rig: Rig, sweeper: ReplySweeper) -> None:
    """RabbitMQ counts unroutable messages, and operators watch that count."""
    await sweeper.sweep()
    assert rig.memory_publisher.probed == 1
    for _ in range(3):
        assert await sweeper.sweep() == 0
    assert rig.memory_publisher.probed == 1
