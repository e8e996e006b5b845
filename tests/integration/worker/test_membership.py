"""Members on a real Redis: present ones, lapsed ones, and those after an outage of Redis."""

import time
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from tests.support.clock import Clock
from tests.support.stores import open_store
from wxbus.store.store import Store
from wxbus_worker.partitions.membership import Membership, MembershipView

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


LEASE = 30.0
"""Seconds on Redis's clock: a busy machine must not reach their end."""


@pytest.fixture
def clock() -> Clock:
    """The local clock of all members."""
    return Clock()


def a_member(store: Store, namespace: str, name: str, clock: Callable[[], float] = time.monotonic) -> Membership:
    """Return a member that has not joined yet."""
    return Membership(store, namespace=namespace, member=name, clock=clock, lease=LEASE)


async def lapse(redis: Redis, namespace: str, member: str, seconds: float) -> None:
    """Let a member's lease have expired this long ago."""
    now, _ = await redis.time()
    await redis.zadd(f"{namespace}:members", {member: (now - seconds) * 1000})


async def test_members_see_each_other(redis_url: str, namespace: str) -> None:
    """Each sees all that joined and did not leave."""
    async with open_store(redis_url) as store:
        one, two = (a_member(store, namespace, name) for name in ("one", "two"))
        assert await one.renew() == MembershipView(frozenset({"one"}))
        assert await two.renew() == await one.renew() == MembershipView(frozenset({"one", "two"}))
        await two.leave()
        other = a_member(store, namespace, "three")
        assert (await other.renew()).present == {"one", "three"}


async def test_a_lease_ends(redis: Redis, redis_url: str, namespace: str, clock: Clock) -> None:
    """A member that does not renew is listed as lapsed for a minute, then no more."""
    async with open_store(redis_url) as store:
        one = a_member(store, namespace, "one", clock)
        await one.renew()
        for _ in range(2):
            clock.now += LEASE / 2
            await one.renew()
        await lapse(redis, namespace, "frozen", 1)
        await lapse(redis, namespace, "expired long ago", 61)
        assert await one.renew() == MembershipView(frozenset({"one"}), lapsed=frozenset({"frozen"}))
        frozen = a_member(store, namespace, "frozen", clock)
        await frozen.renew()
        assert await one.renew() == MembershipView(frozenset({"one", "frozen"}))


async def test_the_view_says_when_the_next_lease_expires(redis: Redis, redis_url: str, namespace: str) -> None:
    """The lease of any member: the members must be checked again then."""
    async with open_store(redis_url) as store:
        one = a_member(store, namespace, "one")
        assert (await one.renew()).next_expiry == LEASE
        await lapse(redis, namespace, "ending", -0.9 * LEASE)
        await lapse(redis, namespace, "lapsed", 1)
        assert 0 < (await one.renew()).next_expiry < LEASE


async def test_after_an_outage_no_member_is_reported_as_lapsed(
    redis: Redis, redis_url: str, namespace: str, clock: Clock
) -> None:
    """No member could renew its lease: the members known before stay present for the length of a lease."""
    async with open_store(redis_url) as store:
        one, two = (a_member(store, namespace, name, clock) for name in ("one", "two"))
        await two.renew()
        await one.renew()
        clock.now += 60
        await lapse(redis, namespace, "two", 30)
        assert await one.renew() == MembershipView(frozenset({"one", "two"}))
        clock.now += LEASE / 2
        assert await one.renew() == MembershipView(frozenset({"one", "two"}))
        clock.now += LEASE / 2
        assert await one.renew() == MembershipView(frozenset({"one"}), lapsed=frozenset({"two"}))
