"""One contract for pending replies: the fake, and Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pytest

from tests.support.stores import open_store
from wxbus.bus.passive_answer import PassiveAnswer
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


class Port(PendingReplies, OverdueReplies, Protocol):
    """What notes and the sweeper call."""


@dataclass
class Stores:
    """What one worker has."""

    contexts: ContextStore
    pending: Port

    async def commit(
        self, replies: Sequence[AnyReply], pending: PendingReply | None, *, dedup_key: str = "m"
    ) -> CommitResult:
        """Commit a message of the user."""
        opened = await self.contexts.open(KEY, dedup_key)
        return await self.contexts.commit(
            KEY, dedup_key, opened, replies, attempt_id="r", account="shop", pending=pending
        )

    async def release(self, *, delivered: bool, dedup_key: str = "m") -> tuple[str, list[AnyReply]]:
        """Return the result of a note, and the replies to send then."""
        released = await self.pending.release("shop", KEY, dedup_key, delivered=delivered, attempt_id="r")
        return released.status, [entry.reply for entry in released.send_lease.entries]

    async def overdue(self) -> list[tuple[str, str, str]]:
        """Return the messages of the user's shard whose deadline has passed; no other shard has any."""
        due = list(await self.pending.due_shards())
        assert due in ([], [KEY.shard])
        return [one for shard in due for one in await self.pending.claim_overdue(shard, limit=10)]

    async def until_overdue(self) -> list[tuple[str, str, str]]:
        """Return them once there are any."""
        while not (found := await self.overdue()):  # noqa: ASYNC110 - Redis reports no passed deadline
            await asyncio.sleep(0.002)
        return found


@pytest.fixture
def memory_stores() -> Stores:
    """Yield the fakes."""
    memory = MemoryContextStore()
    return Stores(memory, memory)


@pytest.fixture
async def redis_stores(redis_url: str, namespace: str, redis: object) -> AsyncIterator[Stores]:
    """Yield the real ones; `redis` deletes their keys afterwards."""
    assert redis is not None
    async with open_store(redis_url) as store:
        yield Stores(
            RedisContextStore(store, namespace=namespace, policy=ContextPolicy()),
            RedisPendingReplies(store, namespace=namespace),
        )


@pytest.fixture(params=["memory_stores", pytest.param("redis_stores", marks=pytest.mark.integration)])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Yield one of them."""
    found: Stores = request.getfixturevalue(request.param)
    return found


async def test_pending_replies_are_not_sent(stores: Stores) -> None:
    """The outbox has replies of other messages, and none of this one."""
    await stores.commit([C], None, dedup_key="before")
    committed = await stores.commit([A, B], PendingReply(ANSWER, 0, LONG))
    assert committed.status == "committed"
    assert [entry.reply for entry in committed.send_lease.entries] == [C]
    assert await stores.overdue() == []


async def test_a_delivered_reply_is_removed_and_the_rest_is_sent_in_order(stores: Stores) -> None:
    """Once: a repeated note finds nothing pending."""
    await stores.commit([A, B, C], PendingReply(ANSWER, 1, LONG))
    assert await stores.release(delivered=True) == ("released", [A, C])
    assert await stores.release(delivered=True) == ("absent", [A, C])
    assert await stores.release(delivered=False) == ("absent", [A, C])


async def test_all_replies_are_sent_after_the_deadline(stores: Stores) -> None:
    """A note that one was delivered comes too late then."""
    await stores.commit([A, B], PendingReply(ANSWER, 0, SHORT))
    assert await stores.until_overdue() == [("shop", KEY.lane, "m")]
    assert await stores.release(delivered=False) == ("released", [A, B])
    assert await stores.release(delivered=True) == ("absent", [A, B])
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) is None


async def test_a_passed_deadline_is_published_once(stores: Stores) -> None:
    """One worker claims it; a deadline that is decided meanwhile is not published again."""
    await stores.commit([A], PendingReply(ANSWER, 0, SHORT))
    await stores.until_overdue()
    assert await stores.overdue() == []
    await stores.pending.mark_overdue_published("shop", KEY.lane, "m")
    assert await stores.overdue() == []

    await stores.commit([A], PendingReply(ANSWER, 0, SHORT), dedup_key="m2")
    await stores.release(delivered=True, dedup_key="m2")
    await asyncio.sleep(5 * SHORT)
    assert await stores.overdue() == []


async def test_wechats_retry_gets_the_answer_and_extends_the_deadline(stores: Stores) -> None:
    """A note that the earlier deadline has passed does not count any more."""
    await stores.commit([A, B], PendingReply(ANSWER, 0, SHORT))
    await stores.until_overdue()
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) == ANSWER
    assert await stores.release(delivered=False) == ("not_due", [])
    assert await stores.overdue() == []
    assert await stores.release(delivered=True) == ("released", [B])


async def test_a_shorter_wait_does_not_shorten_the_deadline(stores: Stores) -> None:
    """Of two callers the one that waits longer decides."""
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == ANSWER
    await asyncio.sleep(5 * SHORT)
    assert await stores.release(delivered=False) == ("not_due", [])


async def test_a_delivered_answer_can_be_recalled_for_a_while(stores: Stores) -> None:
    """WeChat may not have received it: its retry gets the same, and nothing is sent."""
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    await stores.release(delivered=True)
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == ANSWER
    assert await stores.overdue() == []
    assert await stores.release(delivered=False) == ("absent", [])


async def test_an_event_response_leaves_no_reply_pending(stores: Stores) -> None:
    """It can be recalled for a while; replies are sent at once."""
    committed = await stores.commit([A], PendingReply(PassiveAnswer({"ResultCode": 0})))
    assert [entry.reply for entry in committed.send_lease.entries] == [A]
    assert await stores.pending.recall("shop", KEY, "m", wait=SHORT) == PassiveAnswer({"ResultCode": 0})
    assert await stores.overdue() == []


async def test_a_message_without_a_passive_reply_has_no_answer(stores: Stores) -> None:
    """A note about it changes nothing."""
    await stores.commit([A], None)
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) is None
    assert await stores.release(delivered=True) == ("absent", [A])
    assert await stores.overdue() == []


async def test_the_first_commit_decides_the_pending_reply(stores: Stores) -> None:
    """A second attempt at the same message is a duplicate: its replies and its answer do not count."""
    slow = await stores.contexts.open(KEY, "m")
    await stores.commit([A], PendingReply(ANSWER, 0, LONG))
    other = PendingReply(PassiveAnswer({"Content": "b"}, "m"), 0, SHORT)
    repeated = await stores.contexts.commit(KEY, "m", slow, [B], attempt_id="r2", account="shop", pending=other)
    assert repeated.status == "duplicate"
    assert await stores.pending.recall("shop", KEY, "m", wait=LONG) == ANSWER
    assert await stores.release(delivered=True) == ("released", [])
