"""The context stores against a plain model, in random sequences of calls."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from tests.support.stores import open_store
from wxbus.wechat import reply
from wxbus_worker.context.context import ContextPolicy, undo_changes
from wxbus_worker.store.cache import LaneCache
from wxbus_worker.store.ports import ContextKey, ContextStore, Opened
from wxbus_worker.store.redis import RedisContextStore
from wxbus_worker.testing import MemoryContextStore

USERS = st.sampled_from(["o_1", "o_2"])
MARKERS = st.sampled_from(["m1", "m2", "m3", "m4"])
MAX_REMEMBERED = 3
STEADY = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
"""What one run finds, every run finds, on machines of any speed."""


class Model(RuleBasedStateMachine):
    """Two users; each message adds its dedup key to a list in the storage and is answered with it."""

    make: Callable[[asyncio.Runner], ContextStore]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.make(self.runner)
        self.seen: dict[str, list[str] | None] = {"o_1": None, "o_2": None}
        """What the storage has; None: there is no context."""
        self.remembered: dict[str, list[str]] = {"o_1": [], "o_2": []}
        self.outbox: dict[str, list[str]] = {"o_1": [], "o_2": []}
        self.epoch: dict[str, int] = {"o_1": 0, "o_2": 0}
        """Which of its contexts a lane has, 0 for none: a commit on another one conflicts."""
        self.epochs = itertools.count(1)
        self.read: list[tuple[str, int, Opened]] = []
        """Lanes that were opened, by workers that may be slow."""

    def teardown(self) -> None:
        """Close the loop."""
        self.runner.close()

    @rule(user=USERS, dedup_key=MARKERS)
    def open(self, user: str, dedup_key: str) -> None:
        """A worker opens a lane."""
        opened = self.runner.run(self.store.open(_key(user), dedup_key))
        assert opened.duplicate == (dedup_key in self.remembered[user])
        assert opened.context.storage == ({} if self.seen[user] is None else {"seen": self.seen[user]})
        self.read.append((user, self.epoch[user], opened))

    @rule(data=st.data(), dedup_key=MARKERS, remove=st.booleans())
    def commit(self, data: Any, dedup_key: str, *, remove: bool) -> None:
        """A worker commits on a version that any worker has read at any time."""
        if not self.read:
            return
        user, epoch, opened = data.draw(st.sampled_from(self.read))
        undo_changes(opened.context)
        opened.context.storage["seen"] = [*opened.context.storage.get("seen", []), dedup_key]
        key = _key(user)
        outcome = self.runner.run(
            self.store.commit(key, dedup_key, opened, [reply.Text(dedup_key)], attempt_id="run", remove=remove)
        )
        if dedup_key in self.remembered[user]:
            assert outcome.status == "duplicate"
        elif epoch != self.epoch[user]:
            assert outcome.status == "conflict"
        else:
            assert outcome.status == "committed"
            self.seen[user] = None if remove else opened.context.storage["seen"]
            self.remembered[user] = [*self.remembered[user], dedup_key][-MAX_REMEMBERED:]
            self.outbox[user].append(dedup_key)
            self.epoch[user] = 0 if remove else next(self.epochs)

    @rule(user=USERS)
    def remove_sent(self, user: str) -> None:
        """The oldest reply is sent."""
        key = _key(user)
        turn = self.runner.run(self.store.claim_send_lease(key, attempt_id="run"))
        assert [entry.reply for entry in turn.entries] == [reply.Text(dedup_key) for dedup_key in self.outbox[user]]
        self.runner.run(self.store.remove_sent(key, turn.entries[:1], attempt_id="run"))
        del self.outbox[user][:1]

    @precondition(lambda self: any(seen is not None for seen in self.seen.values()))  # it looks through all shards
    @rule()
    def drop_all(self) -> None:
        """All contexts are dropped."""
        alive = [user for user, seen in self.seen.items() if seen is not None]
        assert self.runner.run(self.store.drop_all()) == len(alive)
        for user in alive:
            self.seen[user] = None
            self.epoch[user] = 0

    @invariant()
    def readers_see_the_contexts(self) -> None:
        """`get` returns the committed context, or None."""
        for user, seen in self.seen.items():
            found = self.runner.run(self.store.get("wx1", user))
            assert (None if found is None else found.storage["seen"]) == seen


def _key(user: str) -> ContextKey:
    return ContextKey.of_user("wx1", user)


def _memory(_: asyncio.Runner) -> ContextStore:
    return MemoryContextStore(max_remembered=MAX_REMEMBERED)


def test_the_fake_behaves_like_the_model() -> None:
    """In any order of calls: no commit on a changed lane, none twice."""

    class Fake(Model):
        make = staticmethod(_memory)

    run_state_machine_as_test(Fake, settings=settings(STEADY, max_examples=60, stateful_step_count=25))


@pytest.mark.integration
@pytest.mark.parametrize("cached", [False, True])
def test_redis_behaves_like_the_model(redis_url: str, *, cached: bool) -> None:
    """The same with the scripts on a real Redis, with and without a cache; each sequence has a namespace of its own."""
    namespaces: list[str] = []
    clients: dict[asyncio.Runner, AsyncExitStack] = {}

    def in_redis(runner: asyncio.Runner) -> ContextStore:
        namespaces.append(f"t{secrets.token_hex(6)}")
        clients[runner] = AsyncExitStack()
        store = runner.run(clients[runner].enter_async_context(open_store(redis_url)))
        return RedisContextStore(
            store,
            namespace=namespaces[-1],
            policy=ContextPolicy(),
            max_remembered=MAX_REMEMBERED,
            remembered_at_least=timedelta(),
            cache=LaneCache(max_bytes=1_000_000) if cached else None,
            trim_every=1,
        )

    class Real(Model):
        make = staticmethod(in_redis)

        def teardown(self) -> None:
            self.runner.run(clients.pop(self.runner).aclose())
            super().teardown()

    async def sweep() -> None:
        async with Redis.from_url(redis_url) as redis:
            for namespace in namespaces:
                if keys := [key async for key in redis.scan_iter(match=f"{namespace}:*")]:
                    await redis.delete(*keys)

    try:
        run_state_machine_as_test(Real, settings=settings(STEADY, max_examples=15, stateful_step_count=20))
    finally:
        asyncio.run(sweep())
