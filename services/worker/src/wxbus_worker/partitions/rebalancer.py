"""Keeps a worker subscribed to its share of the partitions, while members come and go."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog

from wxbus.aio.waiting import wait_any
from wxbus.bus.ports import PartitionSubscription
from wxbus.errors import BrokerUnavailable, StoreUnavailable
from wxbus_worker.partitions.assignment import Role, Step, next_step, place_of, ranked, shares
from wxbus_worker.partitions.membership import Membership, MembershipView

WITHOUT_REDIS: Final = 120.0
"""Seconds without an answer after which a worker that nobody can cut off gives up what it holds: others may have a
Redis that answers. If none has, replies that were sent and could not be struck off go out again; hence not sooner."""
TICK: Final = 1.0
"""Seconds between renewals, and between looks at the partitions: a third of the lease."""

log = structlog.stdlib.get_logger(__name__)


class Partitions(Protocol):
    """What subscribes to partitions: `wxbus.bus.consumer.Consumer`."""

    subscribed: asyncio.Event
    admitted: asyncio.Event
    """Cleared, it makes no new connection."""

    @property
    def subscriptions(self) -> Mapping[int, PartitionSubscription]:
        """Return the partitions subscribed to now."""
        ...

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Subscribe to a partition."""
        ...

    async def unsubscribe(self, partition: int) -> None:
        """Let what runs of a partition end, then hand it to the next subscription."""
        ...

    def disconnect(self, reason: str) -> None:
        """End every subscription at once."""
        ...


class Rebalancer:
    """Announces this worker while it can consume, and moves partitions until each member has its share.

    Without Redis nothing moves. But a worker that alone is cut off from Redis must not sit on messages that it cannot
    commit: once its connection to RabbitMQ is closed, by the others or, where they cannot, after a while by itself, it
    makes no new one before Redis answers.
    """

    def __init__(
        self,
        consumer: Partitions,
        membership: Membership,
        *,
        partitions: int,
        cut: Callable[[str], Awaitable[int]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cut` closes a lapsed member's connection and returns how many it had; None: RabbitMQ's heartbeat will."""
        self._consumer = consumer
        self._membership = membership
        self._partitions = range(partitions)
        self._clock = clock
        self._roll = MembershipView()
        self._shares: Mapping[int, Sequence[str]] = {}
        self._firsts: dict[int, tuple[str, float]] = {}
        """The first member of each partition, and since when it is."""
        self._giving_up: set[int] = set()
        self._cut = cut
        self._cutting: set[str] = set()
        """Lapsed members whose connection is being closed, or was."""
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        """Members came or went."""
        self._placed = asyncio.Event()

    async def run(self) -> None:
        """Keep the share until `stop`; returns when what was being given up is given up."""
        async with asyncio.TaskGroup() as tasks:
            announcing = tasks.create_task(self._announce(tasks))
            await wait_any(self._changed, self._stopping)
            while not self._stopping.is_set():
                self._changed.clear()
                await self._place(tasks)
                self._placed.set()
                await wait_any(self._changed, self._stopping, within=TICK)
            await announcing

    def stop(self) -> None:
        """Move nothing any more, and take leave of the others."""
        self._stopping.set()

    async def check(self) -> None:
        """Return if the partitions of this worker were taken, or raise BrokerUnavailable."""
        if not self._placed.is_set():
            raise BrokerUnavailable("no partition taken yet")

    def count(self, place: Role) -> int:
        """Return how many of the partitions subscribed to this worker is the first of, or a standby."""
        return sum(
            place_of(self._membership.member, self._shares.get(one, ())) is place
            for one in self._consumer.subscriptions
        )

    def delivering(self) -> int:
        """Return how many partitions RabbitMQ delivers to this worker."""
        return sum(holding.delivering is not None for holding in self._consumer.subscriptions.values())

    async def _announce(self, tasks: asyncio.TaskGroup) -> None:
        announced, silent_since = False, None
        while not self._stopping.is_set():
            pause = TICK
            try:
                if not self._consumer.subscribed.is_set():
                    # One that cannot consume has no share; its place is free at once.
                    if announced or silent_since is not None:
                        await self._membership.leave()
                        announced = False
                else:
                    self._see(roll := await self._membership.renew())
                    announced = True
                    self._cut_off(roll, tasks)
                    pause = min(TICK, roll.next_end)  # a lapsed one's users wait: its end is seen at once
            except StoreUnavailable as exc:
                if silent_since is None:
                    silent_since = self._clock()
                    self._consumer.admitted.clear()
                    log.warning("ownership.stands_still", reason=str(exc))
                elif self._cut is None and self._clock() - silent_since >= WITHOUT_REDIS:
                    self._consumer.disconnect(f"no answer from Redis for {WITHOUT_REDIS:g} s")
            else:
                silent_since = None
                self._consumer.admitted.set()
            subscribed = self._consumer.subscribed
            await wait_any(self._stopping, *() if subscribed.is_set() else (subscribed,), within=pause)
        if announced:
            with suppress(StoreUnavailable):
                await self._membership.leave()

    def _see(self, roll: MembershipView) -> None:
        if roll.present != self._roll.present:
            log.info("ownership.members", members=len(roll.present))
            self._changed.set()
            now = self._clock()
            self._shares = shares(roll.present, len(self._partitions))
            for partition, (first, *_) in self._shares.items():
                if self._firsts.get(partition, ("", 0.0))[0] != first:
                    self._firsts[partition] = first, now
        self._roll = roll

    def _cut_off(self, roll: MembershipView, tasks: asyncio.TaskGroup) -> None:
        """Have each lapsed member's connection closed, by one of us: if it is frozen, its partitions stand still."""
        self._cutting &= roll.lapsed
        if self._cut is None:
            return
        for lapsed in roll.lapsed - self._cutting:
            if ranked(roll.present, lapsed)[0] == self._membership.member:
                self._cutting.add(lapsed)
                tasks.create_task(self._close_connection_of(lapsed, self._cut))

    async def _close_connection_of(self, lapsed: str, cut: Callable[[str], Awaitable[int]]) -> None:
        try:
            closed = await cut(lapsed)
        except BrokerUnavailable as exc:
            log.warning("member.not_cut_off", member=lapsed, reason=str(exc))
            self._cutting.discard(lapsed)  # again at the next renewal, while it is told
        else:
            log.warning("member.cut_off", member=lapsed, connections=closed)

    async def _place(self, tasks: asyncio.TaskGroup) -> None:
        now, held = self._clock(), self._consumer.subscriptions
        places = {one: place_of(self._membership.member, self._shares[one]) for one in self._partitions}
        # What we are the first of comes first: of that the others wait for us.
        for partition in sorted(places, key=lambda one: places[one] is not Role.FIRST):
            if partition in self._giving_up or self._stopping.is_set():
                continue
            place = places[partition]
            step = next_step(place, held.get(partition), since=now - self._firsts[partition][1])
            if step is Step.TAKE:
                await self._consumer.subscribe(partition, standby=place is Role.STANDBY)
            elif step is Step.GIVE_UP:
                self._giving_up.add(partition)
                tasks.create_task(self._give_up(partition))

    async def _give_up(self, partition: int) -> None:
        try:
            await self._consumer.unsubscribe(partition)
            log.info("partition.given_up", partition=partition)
        finally:
            self._giving_up.discard(partition)
