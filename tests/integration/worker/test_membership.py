"""Members on a real Redis: who is there, who lapsed, and what may be concluded after a time without Redis."""

import pytest
from redis.asyncio import Redis

from tests.support.worker import REDIS_PATIENCE
from wxbus.store.store import Store
from wxbus_worker.partitions.membership import LEASE, Membership, MembershipView

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


class Clock:
    """A clock of the test's own."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The local clock of all members."""
    return Clock()


async def lapse(redis: Redis, namespace: str, member: str, seconds: float) -> None:
    """Set a member's lease to have ended so long ago."""
    now, _ = await redis.time()
    await redis.zadd(f"{namespace}:members", {member: (now - seconds) * 1000})


async def test_members_see_each_other(redis_url: str, namespace: str) -> None:
    """Each sees all that announced themselves, and none that took leave."""
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        one, two = (Membership(store, namespace=namespace, member=name) for name in ("one", "two"))
        assert await one.renew() == MembershipView(frozenset({"one"}))
        assert await two.renew() == await one.renew() == MembershipView(frozenset({"one", "two"}))
        await two.leave()
        other = Membership(store, namespace=namespace, member="three")
        assert (await other.renew()).present == {"one", "three"}


async def test_a_lease_ends(redis: Redis, redis_url: str, namespace: str, clock: Clock) -> None:
    """One that does not renew is no member any more; it is told for a minute, then forgotten."""
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        one = Membership(store, namespace=namespace, member="one", clock=clock)
        await one.renew()
        for _ in range(2):
            clock.now += LEASE / 2
            await one.renew()
        await lapse(redis, namespace, "frozen", 1)
        await lapse(redis, namespace, "long gone", 61)
        assert await one.renew() == MembershipView(frozenset({"one"}), lapsed=frozenset({"frozen"}))
        frozen = Membership(store, namespace=namespace, member="frozen", clock=clock)
        await frozen.renew()
        assert await one.renew() == MembershipView(frozenset({"one", "frozen"}))


async def test_it_is_told_when_the_next_lease_ends(redis: Redis, redis_url: str, namespace: str) -> None:
    """Of whichever member: that is when to look again."""
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        one = Membership(store, namespace=namespace, member="one")
        assert (await one.renew()).next_end == LEASE
        await lapse(redis, namespace, "ending", -0.9 * LEASE)
        await lapse(redis, namespace, "lapsed", 1)
        assert 0 < (await one.renew()).next_end < LEASE


async def test_after_an_outage_nobody_is_judged(redis: Redis, redis_url: str, namespace: str, clock: Clock) -> None:
    """Without Redis nobody could renew: for the length of a lease those known before count as there."""
    async with Store.open(redis_url, answer_timeout=REDIS_PATIENCE) as store:
        one, two = (Membership(store, namespace=namespace, member=name, clock=clock) for name in ("one", "two"))
        await two.renew()
        await one.renew()
        clock.now += 60
        await lapse(redis, namespace, "two", 30)
        assert await one.renew() == MembershipView(frozenset({"one", "two"}))
        clock.now += LEASE / 2
        assert await one.renew() == MembershipView(frozenset({"one", "two"}))
        clock.now += LEASE / 2
        assert await one.renew() == MembershipView(frozenset({"one"}), lapsed=frozenset({"two"}))
