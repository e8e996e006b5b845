"""One contract for replies that wait until it is known whether WeChat got one: the fake, and Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pytest

from tests.support.worker import REDIS_PATIENCE
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.store.store import Store
from wxbus.wechat import reply
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.store.pending_replies import PendingReplies, RedisPendingReplies
from wxbus_worker.store.ports import CommitResult, ContextKey, ContextStore, PendingReply
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.sweepers.replies import OverdueReplies
from wxbus_worker.testing import MemoryContextStore

KEY = ContextKey.of_user("wx1", "o_1")
A, B, C = reply.Text("a"), reply.Text("b"), reply.Text("c")
ANSWER = PassiveAnswer({"MsgType": "text", "Content": "a"}, "m")
LONG, SHORT = 600.0, 0.001


class Both(PendingReplies, OverdueReplies, Protocol):
    """What a note asks, and what the sweeper asks."""


@dataclass
class Stores:
    """What one worker has."""

    contexts: ContextStore
    pending: Both

    async def commit(
        self, replies: Sequence[AnyReply], pending: PendingReply | None, *, dedup_key: str = "m"
    ) -> CommitResult:
        """Commit a message of the user."""
        opened = await self.contexts.open(KEY, dedup_key)
        return await self.contexts.commit(
            KEY, dedup_key, opened, replies, attempt_id="r", account="shop", pending=pending
        )

    async def release(self, *, delivered: bool, dedup_key: str = "m") -> tuple[str, list[AnyReply]]:
        """Return what a note has done, and what is to be sent then."""
        released = await self.pending.release("shop", KEY, dedup_key, delivered=delivered, attempt_id="r")
        return released.status, [entry.reply for entry in released.send_lease.entries]

    async def late(self) -> list[tuple[str, str, str]]:
        """Return what is late in the user's shard, now."""
        return list(await self.pending.claim_overdue(KEY.shard, most=10))

    async def until_late(self) -> list[tuple[str, str, str]]:
        """Return what is late, once anything is."""
        while not (found := await self.late()):  # noqa: ASYNC110 - nobody tells when time is over
            await asyncio.sleep(0.002)
        return found


@pytest.fixture
def memory_stores() -> Stores:
    """The fake."""
    memory = MemoryContextStore()
    return Stores(memory, memory)


@pytest.fixture
async def redis_stores(redis_url: str, namespace: str, redis: object) -> AsyncIterator[Stores]:
    """The real ones; `redis` deletes their keys afterwards."""
    assert redis is not None
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        yield Stores(
            RedisContextStore(store, namespace=namespace, policy=ContextPolicy()),
            RedisPendingReplies(store, namespace=namespace),
        )


@pytest.fixture(params=["memory_stores", pytest.param("redis_stores", marks=pytest.mark.integration)])
def stores(request: pytest.FixtureRequest) -> Stores:
    """One of them."""
    found: Stores = request.getfixturevalue(request.param)
    return found


async def test_what_is_held_is_not_sent(stores: Stores) -> None:
    """The outbox has what other messages left there, and nothing of this one."""
    await stores.commit([C], None, dedup_key="before")
    committed = await stores.commit([A, B], PendingReply(ANSWER, 0, LONG))
    assert committed.status == "committed"
    assert [entry.reply for entry in committed.send_lease.entries] == [C]
    assert await stores.late() == []


async def test_what_wechat_got_is_struck_off_and_the_rest_is_sent_in_order(stores: Stores) -> None:
    """Once: a note that comes again finds nothing."""
    await stores.commit([A, B, C], PendingReply(ANSWER, 1, LONG))
    assert await stores.release(delivered=True) == ("released", [A, C])
    assert await stores.release(delivered=True) == ("absent", [A, C])
    assert await stores.release(delivered=False) == ("absent", [A, C])


async def test_what_nobody_took_in_time_is_sent_whole(stores: Stores) -> None:
    """After the time, which the index tells; a note that it was taken comes too late then."""
    await stores.commit([A, B], PendingReply(ANSWER, 0, SHORT))
    assert await stores.until_late() == [("shop", KEY.lane, "m")]
    assert await stores.release(delivered=False) == ("released", [A, B])
    assert await stores.release(delivered=True) == ("absent", [A, B])
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) is None


async def test_a_lane_is_told_once_that_its_reply_is_late(stores: Stores) -> None:
    """Whoever claimed it tells; what was decided meanwhile is not late any more."""
    await stores.commit([A], PendingReply(ANSWER, 0, SHORT))
    await stores.until_late()
    assert await stores.late() == []
    await stores.pending.mark_overdue_published("shop", KEY.lane, "m")
    assert await stores.late() == []

    await stores.commit([A], PendingReply(ANSWER, 0, SHORT), dedup_key="m2")
    await stores.release(delivered=True, dedup_key="m2")
    await asyncio.sleep(5 * SHORT)
    assert await stores.late() == []


async def test_who_asks_again_gets_the_answer_and_time_to_take_it(stores: Stores) -> None:
    """WeChat's retry of the same message: a note that it is late does not count any more, however long it travelled."""
    await stores.commit([A, B], PendingReply(ANSWER, 0, SHORT))
    await stores.until_late()
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) == ANSWER
    assert await stores.release(delivered=False) == ("not_due", [])
    assert await stores.late() == []
    assert await stores.release(delivered=True) == ("released", [B])


async def test_a_shorter_wait_does_not_end_a_longer_one(stores: Stores) -> None:
    """Of two that wait for the same answer, the last one decides when it is too late."""
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == ANSWER
    await asyncio.sleep(5 * SHORT)
    assert await stores.release(delivered=False) == ("not_due", [])


async def test_an_answer_that_was_taken_is_given_again_for_a_while(stores: Stores) -> None:
    """WeChat may not have seen it: its retry gets the same. Nothing waits, nothing is sent."""
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    await stores.release(delivered=True)
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == ANSWER
    assert await stores.late() == []
    assert await stores.release(delivered=False) == ("absent", [])


async def test_an_answer_without_a_reply_in_it_holds_nothing_up(stores: Stores) -> None:
    """The handler's own answer to an event: given again for a while, replies go out at once."""
    committed = await stores.commit([A], PendingReply(PassiveAnswer({"ResultCode": 0})))
    assert [entry.reply for entry in committed.send_lease.entries] == [A]
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == PassiveAnswer({"ResultCode": 0})
    assert await stores.late() == []


async def test_there_is_no_answer_of_what_was_not_held(stores: Stores) -> None:
    """A message without a passive reply has none, a note about it changes nothing."""
    await stores.commit([A], None)
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) is None
    assert await stores.release(delivered=True) == ("absent", [A])
    assert await stores.late() == []


async def test_the_first_commit_decides_what_is_held(stores: Stores) -> None:
    """A second run of the same message is a duplicate: neither its replies nor its answer count."""
    slow = await stores.contexts.open(KEY, "m")
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    other = PendingReply(PassiveAnswer({"Content": "b"}, "m"), 0, SHORT)
    repeated = await stores.contexts.commit(KEY, "m", slow, [B], attempt_id="r2", account="shop", pending=other)
    assert repeated.status == "duplicate"
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) == ANSWER
    assert await stores.release(delivered=True) == ("released", [])
