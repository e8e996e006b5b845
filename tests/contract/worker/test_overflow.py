"""One contract for two overflows: the fake of the unit tests, and Redis."""

from collections.abc import AsyncIterator, Sequence

import pytest

from tests.support.lanes import a_delivery
from tests.support.overflow import MemoryOverflow, stored
from tests.support.stores import open_store
from tests.support.worker import a_text_envelope
from wxbus.bus.ports import Delivery
from wxbus.errors import UnreadableEnvelope
from wxbus.testing import MemoryDelivery
from wxbus_worker.overflow.ports import Overflow, TenureEnded
from wxbus_worker.overflow.redis import MAX_BYTES, RedisOverflow

LANE = "wx1:o_1"


@pytest.fixture
def max_bytes() -> int:
    """Return the maximum size of a partition's overflows in bytes; a test may set it."""
    return MAX_BYTES


@pytest.fixture
def memory_overflow(max_bytes: int) -> Overflow:
    """Yield the fake."""
    return MemoryOverflow(max_bytes=max_bytes)


@pytest.fixture
async def redis_overflow(redis_url: str, namespace: str, redis: object, max_bytes: int) -> AsyncIterator[Overflow]:
    """Yield the real one; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with open_store(redis_url) as store:
        yield RedisOverflow(store, namespace=namespace, max_bytes=max_bytes)


@pytest.fixture(params=["memory_overflow", pytest.param("redis_overflow", marks=pytest.mark.integration)])
def overflow(request: pytest.FixtureRequest) -> Overflow:
    """Yield one of them."""
    adapter: Overflow = request.getfixturevalue(request.param)
    return adapter


def keys(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the keys of deliveries."""
    return [delivery.key for delivery in deliveries]


async def test_messages_come_back_in_order_and_unchanged(overflow: Overflow) -> None:
    """Messages are read in the order of arrival, with their envelope, lane, partition and time of arrival."""
    tenure = await overflow.take_over(0)
    sent = [a_delivery("o_1"), a_delivery("o_1"), MemoryDelivery(a_text_envelope(reply_to="q", expiration=4.5))]
    sent[0].arrived -= 100
    assert await overflow.append(tenure, LANE, "note", sent[:2]) == (2, 2)
    assert await overflow.append(tenure, LANE, "note", sent[2:]) == (3, 1)

    length, first = await overflow.read(tenure, LANE, limit=2)
    assert (length, keys(first)) == (3, keys(sent[:2]))
    length, found = await overflow.read(tenure, LANE, limit=5)
    assert [one.envelope() for one in found] == [one.envelope() for one in sent]
    assert [(one.lane, one.partition, one.redelivered) for one in found] == [(LANE, 0, False)] * 3
    assert found[0].arrived == pytest.approx(sent[0].arrived, abs=1)
    assert found[0].size == sent[0].size


async def test_each_message_is_taken_once(overflow: Overflow) -> None:
    """Also after its removal: its acknowledgement may have been lost, and RabbitMQ delivers it again."""
    tenure = await overflow.take_over(0)
    sent = [a_delivery("o_1") for _ in range(3)]
    await overflow.append(tenure, LANE, "note", sent[:2])
    _, [first, _] = await overflow.read(tenure, LANE, limit=2)
    await first.ack()
    await first.ack()

    assert await overflow.append(tenure, LANE, "note", sent) == (2, 3)
    _, found = await overflow.read(tenure, LANE, limit=5)
    assert keys(found) == keys(sent[1:])
    await overflow.remove(tenure, LANE, sent[2].key)
    assert (await overflow.read(tenure, LANE, limit=5))[0] == 2, "it is not the oldest"


async def test_another_attempt_is_another_message(overflow: Overflow) -> None:
    """A scheduled retry has the id of the first attempt."""
    tenure = await overflow.take_over(0)
    again = a_text_envelope(id="one", attempt=2)
    await overflow.append(tenure, LANE, "note", [MemoryDelivery(a_text_envelope(id="one")), MemoryDelivery(again)])

    length, found = await overflow.read(tenure, LANE, limit=5)
    assert (length, found[1].envelope()) == (2, again)


async def test_an_overflow_ends_when_it_is_read_empty(overflow: Overflow) -> None:
    """The next tenure knows the lanes that have one, and marks their messages as possibly handled before."""
    tenure = await overflow.take_over(0)
    await overflow.append(tenure, LANE, "note", [a_delivery("o_1")])
    await overflow.append(tenure, "wx1:o_2", "other", [a_delivery("o_2")])
    await overflow.take_over(1)
    tenure = await overflow.take_over(0)
    assert tenure.lanes == {LANE: "note", "wx1:o_2": "other"}

    _, [message] = await overflow.read(tenure, LANE, limit=5)
    assert message.redelivered
    await message.ack()
    assert await overflow.read(tenure, LANE, limit=5) == (0, [])
    assert (await overflow.take_over(0)).lanes == {"wx1:o_2": "other"}


async def test_an_earlier_tenure_is_refused(overflow: Overflow) -> None:
    """A worker that was frozen must not change what its successor has read."""
    frozen = await overflow.take_over(0)
    await overflow.append(frozen, LANE, "note", [a_delivery("o_1")])
    _, [message] = await overflow.read(frozen, LANE, limit=1)
    tenure = await overflow.take_over(0)

    for refused in (
        overflow.append(frozen, LANE, "note", [a_delivery("o_1")]),
        overflow.read(frozen, LANE, limit=1),
        overflow.remove(frozen, LANE, message.key),
        message.ack(),
    ):
        with pytest.raises(TenureEnded, match="partition 0"):
            await refused
    assert (await overflow.read(tenure, LANE, limit=5))[0] == 1


async def test_an_unreadable_message_stays_unreadable(overflow: Overflow) -> None:
    """It becomes a dead letter when its turn comes, with its bytes."""
    tenure = await overflow.take_over(0)
    unreadable = MemoryDelivery(None)
    assert await overflow.append(tenure, LANE, "", [unreadable]) == (1, 1)
    assert await overflow.append(tenure, LANE, "", [unreadable]) == (1, 1)
    _, [found] = await overflow.read(tenure, LANE, limit=5)

    with pytest.raises(UnreadableEnvelope):
        found.envelope()
    await found.ack()
    assert (await overflow.read(tenure, LANE, limit=5))[0] == 0


ROOM = 7 * len(stored(a_delivery("o_1"))) // 2
"""For three messages, whose sizes differ a little."""


@pytest.mark.parametrize("max_bytes", [ROOM])
async def test_a_partition_has_room_for_so_many_bytes(overflow: Overflow, max_bytes: int) -> None:
    """What does not fit is not taken, nor is what follows it; a removal makes room, for other lanes, too."""
    tenure = await overflow.take_over(0)
    sent = [a_delivery("o_1") for _ in range(5)]
    assert sum(len(stored(one)) for one in sent[:4]) > max_bytes
    assert await overflow.append(tenure, LANE, "note", sent) == (3, 3)
    assert await overflow.append(tenure, LANE, "note", sent) == (3, 3)
    assert await overflow.append(tenure, "wx1:o_2", "other", [a_delivery("o_2")]) == (0, 0)
    assert (await overflow.take_over(0)).lanes == {LANE: "note"}

    tenure = await overflow.take_over(0)
    _, [first] = await overflow.read(tenure, LANE, limit=1)
    for _ in range(2):
        await first.ack()
    assert await overflow.append(tenure, "wx1:o_2", "other", [a_delivery("o_2") for _ in range(2)]) == (1, 1)
    assert await overflow.append(tenure, LANE, "note", sent[3:]) == (2, 0)


@pytest.mark.parametrize("max_bytes", [1])
async def test_a_message_of_any_size_is_taken_alone(overflow: Overflow, max_bytes: int) -> None:
    """A message that is larger than the room is taken if there is no other; otherwise it would wait for ever."""
    tenure = await overflow.take_over(0)
    sent = [a_delivery("o_1") for _ in range(2)]
    assert len(stored(sent[0])) > max_bytes
    assert await overflow.append(tenure, LANE, "note", sent) == (1, 1)
    await overflow.remove(tenure, LANE, sent[0].key)
    assert await overflow.append(tenure, LANE, "note", sent) == (1, 2)
