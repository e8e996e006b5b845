"""The lock on a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.support.stores import REDIS_TIMEOUT
from wxbus.errors import StoreUnavailable
from wxbus.store.batches import Argument
from wxbus.store.lock import ACQUIRE, RENEW, Lock
from wxbus.store.store import Script, Store

pytestmark = pytest.mark.integration

LEASE = 30.0
RENEW_EVERY = 0.1
"""Seconds: soon, under a lease that does not expire on a slow machine."""
WRITE = Script(
    "write",
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'late' end redis.call('SET', KEYS[2], ARGV[2]) return 'ok'",
)


class Lossy(Store):
    """A store that loses the answers to scripts, or does not run them."""

    def __init__(self, redis: "Redis", *, answer_timeout: float) -> None:
        super().__init__(redis, answer_timeout=answer_timeout)
        self.lose = 0
        """Number of answers to lose."""
        self.skip = 0
        """Number of scripts not to run."""
        self.ran: list[str] = []
        self.renewed = asyncio.Event()

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Run the script, then lose the answer if `lose` is set."""
        self.ran.append(script.name)
        if self.skip:
            self.skip -= 1
            raise StoreUnavailable("no connection")
        answer = await super().run(script, keys=keys, args=args)
        if script is RENEW:
            self.renewed.set()
        if self.lose:
            self.lose -= 1
            raise StoreUnavailable("no answer")
        return answer


@pytest.fixture
async def store(redis_url: str, redis: "Redis") -> AsyncIterator[Lossy]:
    """The store under the locks; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with Lossy.open(redis_url, answer_timeout=REDIS_TIMEOUT) as store:
        assert isinstance(store, Lossy)
        yield store


@pytest.fixture
def key(namespace: str) -> str:
    """Name of the lock."""
    return f"{namespace}:{{a}}:lock"


async def expire(redis: "Redis", lock: Lock) -> None:
    """End the lease."""
    await redis.delete(lock.key)


async def test_one_holder_at_a_time(store: Lossy, key: str) -> None:
    """Of a hundred concurrent holders only one enters the block; the others get None."""
    inside = 0
    most = 0

    async def work(lock: Lock) -> bool:
        nonlocal inside, most
        async with lock.hold() as hold:
            if hold is None:
                return False
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            return True

    went = await asyncio.gather(*(work(Lock(store, key, lease=LEASE)) for _ in range(100)))
    assert most == 1
    assert any(went)


async def test_the_lock_is_released_after_the_block(store: Lossy, redis: "Redis", key: str) -> None:
    """An error or a cancellation in the block releases the lock, too."""
    lock = Lock(store, key, lease=LEASE)
    with pytest.raises(ValueError, match="mine"):
        async with lock.hold():
            raise ValueError("mine")
    assert not await redis.exists(key)

    entered = asyncio.Event()

    async def stay() -> None:
        async with lock.hold():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await redis.exists(key)


async def test_only_the_owner_releases_or_renews(store: Lossy, redis: "Redis", key: str) -> None:
    """A holder whose lease has expired neither releases nor renews the lock of the next holder."""
    first, second = Lock(store, key, lease=LEASE), Lock(store, key, lease=LEASE)
    late = await first.acquire()
    assert late is not None
    await expire(redis, first)
    hold = await second.acquire()
    assert hold is not None

    assert not await first.release(late)
    assert not await first.renew(late)
    assert late.expired
    assert await redis.get(key) == hold.value.encode()
    assert await second.release(hold)


async def test_fencing_numbers_grow(store: Lossy, key: str) -> None:
    """Each hold has a greater fencing number than the one before."""
    fences = []
    for _ in range(5):
        async with Lock(store, key, lease=LEASE).hold() as hold:
            assert hold is not None
            fences.append(hold.fence)
    assert fences == sorted(set(fences))


async def test_a_lost_fencing_number_is_not_drawn_again(store: Lossy, redis: "Redis", key: str) -> None:
    """A Redis that lost its counter, or has an older one, still draws a greater number."""
    lock = Lock(store, key, lease=LEASE)
    fences = []
    for kept in (None, "1", None):
        hold = await lock.acquire()
        assert hold is not None
        fences.append(hold.fence)
        await redis.delete(lock.key, lock.fence_key)
        if kept is not None:
            await redis.set(lock.fence_key, kept)
    assert fences == sorted(set(fences))


async def test_fencing_numbers_grow_when_the_clock_goes_back(store: Lossy, redis: "Redis", key: str) -> None:
    """If the counter is ahead of the clock, the next number is the counter plus one."""
    lock = Lock(store, key, lease=LEASE)
    ahead = 2**52 - 1
    await redis.set(lock.fence_key, str(ahead))
    hold = await lock.acquire()
    assert hold is not None
    assert hold.fence == ahead + 1
    assert await redis.get(lock.fence_key) == str(ahead + 1).encode()
    assert await lock.release(hold)


async def test_a_late_holder_cannot_write(store: Lossy, redis: "Redis", key: str) -> None:
    """After another process has acquired the lock, writes of the former holder are refused."""
    first, second = Lock(store, key, lease=LEASE), Lock(store, key, lease=LEASE)
    late = await first.acquire()
    await expire(redis, first)
    hold = await second.acquire()
    assert late is not None
    assert hold is not None
    keys = [first.fence_key, f"{key}:value"]

    assert await store.run(WRITE, keys=keys, args=[late.fence, "old"]) == b"late"
    assert await store.run(WRITE, keys=keys, args=[hold.fence, "new"]) == b"ok"
    assert await store.run(WRITE, keys=keys, args=[late.fence, "old"]) == b"late"
    assert await redis.get(f"{key}:value") == b"new"


async def test_a_lost_answer_is_asked_for_again(store: Lossy, key: str) -> None:
    """If the answer to the acquire script is lost, the second attempt returns the same number."""
    lock = Lock(store, key, lease=LEASE)
    store.lose = 1
    hold = await lock.acquire()
    assert hold is not None
    assert store.ran == [ACQUIRE.name, ACQUIRE.name]
    assert int(await store.command("GET", lock.fence_key)) == hold.fence


async def test_a_later_attempt_finds_the_own_lock(store: Lossy, key: str) -> None:
    """If both answers are lost, the same object acquires its lock later; other objects must wait."""
    lock = Lock(store, key, lease=LEASE)
    store.lose = 2
    with pytest.raises(StoreUnavailable):
        await lock.acquire()
    assert await Lock(store, key, lease=LEASE).acquire() is None
    hold = await lock.acquire()
    assert hold is not None
    assert await lock.acquire() is None, "the lock was returned twice"


async def test_the_lease_is_renewed_during_the_block(store: Lossy, redis: "Redis", key: str) -> None:
    """The block may take longer than one lease, even if a renewal fails."""
    lock = Lock(store, key, lease=LEASE, renew_every=RENEW_EVERY)
    async with lock.hold() as hold:
        assert hold is not None
        store.skip = 1
        until = hold.until
        await store.renewed.wait()
        while hold.until == until:  # noqa: ASYNC110 - the answer is being read
            await asyncio.sleep(0)
        assert hold.until > until
        assert await redis.get(key) == hold.value.encode()


async def test_a_lost_lease_is_reported(store: Lossy, redis: "Redis", key: str) -> None:
    """A renewal that finds another owner ends; the hold is expired, and the end of the block raises no error."""
    lock = Lock(store, key, lease=LEASE, renew_every=RENEW_EVERY)
    async with lock.hold() as hold:
        assert hold is not None
        await redis.set(key, "another 99")
        while not hold.expired:  # noqa: ASYNC110 - a renewal before the other owner came may be running
            await asyncio.sleep(RENEW_EVERY)
    assert await redis.get(key) == b"another 99"
    await redis.delete(key)


async def test_a_failed_release_is_not_an_error(store: Lossy, key: str) -> None:
    """The lock then expires with its lease."""
    async with Lock(store, key, lease=LEASE).hold():
        store.skip = 1
    assert await Lock(store, key, lease=LEASE).acquire() is None
