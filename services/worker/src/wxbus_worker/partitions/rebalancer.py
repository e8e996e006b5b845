"""Keeps the worker subscribed to its share of the partitions while members join and leave."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeAlias

import structlog

from wxbus.aio.ticks import until_tick
from wxbus.aio.waiting import wait_any
from wxbus.bus.ports import PartitionSubscription
from wxbus.errors import BrokerUnavailable, StoreUnavailable
from wxbus_worker.partitions.assignment import Action, Role, assign, next_action, ranked, role_of
from wxbus_worker.partitions.membership import Membership, MembershipView

WITHOUT_REDIS: Final = 120.0
"""Seconds without Redis after which a worker disconnects if the others cannot close its connection: Redis may still
answer them. Not earlier: if Redis is unavailable for all workers, a disconnect repeats replies that were sent and could
not be removed."""
INTERVAL: Final = 1.0
"""Seconds between renewals of the lease, and between checks of the partitions: a third of the lease."""
LISTED_AFTER: Final = 6.0
"""Seconds for which the search for a lapsed member's connections is repeated: RabbitMQ's management API lists a new
connection at the next collection of its statistics, every 5 s (RabbitMQ and Redis reference 4)."""

CloseConnections: TypeAlias = Callable[[str], Awaitable[int]]
"""Closes the connections of a member and returns their number."""

log = structlog.stdlib.get_logger(__name__)


class Partitions(Protocol):
    """Subscribes to partitions: `wxbus.bus.consumer.Consumer`."""

    subscribed: asyncio.Event
    admitted: asyncio.Event
    """While this is cleared, the consumer does not connect."""

    @property
    def subscriptions(self) -> Mapping[int, PartitionSubscription]:
        """Return the current subscriptions by partition."""
        ...

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Subscribe to a partition."""
        ...

    async def unsubscribe(self, partition: int) -> None:
        """Finish the partition's running messages, then pass it to the next subscription."""
        ...

    def disconnect(self, reason: str) -> None:
        """End all subscriptions at once."""
        ...


class Rebalancer:
    """Keeps this worker a member while it can consume, and moves partitions until each member has its share.

    Without Redis no partition moves. But a worker that alone has lost Redis must not keep messages that it cannot
    commit. The others close its connection to RabbitMQ; where they cannot, it disconnects after `WITHOUT_REDIS`. It
    connects again once Redis answers.
    """

    def __init__(
        self,
        consumer: Partitions,
        membership: Membership,
        *,
        partitions: int,
        close_connections: CloseConnections | None = None,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`close_connections` is for lapsed members; None: RabbitMQ's heartbeat closes their connections."""
        self._consumer = consumer
        self._membership = membership
        self._partitions = range(partitions)
        self._close_connections = close_connections
        self._interval = interval
        self._clock = clock
        self._present: frozenset[str] = frozenset()
        self._assignment: Mapping[int, Sequence[str]] = {}
        self._owners: dict[int, tuple[str, float]] = {}
        """The owner of each partition, and since when."""
        self._releasing: set[int] = set()
        self._disconnecting: set[str] = set()
        """Lapsed members whose connections are being closed, or are closed."""
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        """Members joined or left."""
        self._assigned = asyncio.Event()

    async def run(self) -> None:
        """Keep the share until `stop`; then return after partitions that are being released."""
        async with asyncio.TaskGroup() as tasks:
            membership = tasks.create_task(self._keep_lease(tasks))
            await wait_any(self._changed, self._stopping)
            while not self._stopping.is_set():
                self._changed.clear()
                await self._rebalance(tasks)
                self._assigned.set()
                await wait_any(self._changed, self._stopping, within=until_tick(self._interval))
            await membership

    def stop(self) -> None:
        """Stop moving partitions, and leave the members."""
        self._stopping.set()

    async def check(self) -> None:
        """Return if this worker's partitions are assigned, or raise BrokerUnavailable."""
        if not self._assigned.is_set():
            raise BrokerUnavailable("no partitions assigned yet")

    def count(self, role: Role) -> int:
        """Return the number of subscribed partitions for which this worker has the role."""
        member = self._membership.member
        return sum(role_of(member, self._assignment.get(one, ())) is role for one in self._consumer.subscriptions)

    def delivering(self) -> int:
        """Return the number of partitions that RabbitMQ delivers to this worker."""
        return sum(one.delivering is not None for one in self._consumer.subscriptions.values())

    async def _keep_lease(self, tasks: asyncio.TaskGroup) -> None:
        subscribed = self._consumer.subscribed
        is_member, paused_since = False, None
        while not self._stopping.is_set():
            pause = until_tick(self._interval)
            try:
                if subscribed.is_set():
                    view = await self._membership.renew()
                    is_member = True
                    self._update(view)
                    self._disconnect_lapsed(view, tasks)
                    pause = min(pause, view.next_expiry)  # a lapsed member's users wait until this is noticed
                elif is_member or paused_since is not None:
                    await self._membership.leave()  # it cannot consume: others take its share at once
                    is_member = False
            except StoreUnavailable as exc:
                if paused_since is None:
                    paused_since = self._clock()
                    self._consumer.admitted.clear()
                    log.warning("rebalance.paused", reason=str(exc))
                elif self._close_connections is None and self._clock() - paused_since >= WITHOUT_REDIS:
                    self._consumer.disconnect(f"no answer from Redis for {WITHOUT_REDIS:g} s")
            else:
                paused_since = None
                self._consumer.admitted.set()
            await wait_any(self._stopping, *() if subscribed.is_set() else (subscribed,), within=pause)
        if is_member:
            with suppress(StoreUnavailable):
                await self._membership.leave()

    def _update(self, view: MembershipView) -> None:
        """Compute the assignment again if members joined or left."""
        if view.present == self._present:
            return
        log.info("rebalance.members_changed", members=len(view.present))
        now = self._clock()
        self._present = view.present
        self._assignment = assign(view.present, len(self._partitions))
        for partition, (owner, *_) in self._assignment.items():
            if self._owners.get(partition, ("", 0.0))[0] != owner:
                self._owners[partition] = owner, now
        self._changed.set()

    def _disconnect_lapsed(self, view: MembershipView, tasks: asyncio.TaskGroup) -> None:
        """Close the connections of lapsed members, each by one of the others: a frozen one keeps its partitions."""
        self._disconnecting &= view.lapsed
        if self._close_connections is None:
            return
        for lapsed in view.lapsed - self._disconnecting:
            if ranked(view.present, lapsed)[0] == self._membership.member:
                self._disconnecting.add(lapsed)
                tasks.create_task(self._disconnect(lapsed, self._close_connections))

    async def _disconnect(self, lapsed: str, close_connections: CloseConnections) -> None:
        started_at = self._clock()
        try:
            while not (closed := await close_connections(lapsed)) and self._clock() - started_at < LISTED_AFTER:
                await wait_any(self._stopping, within=self._interval)
                if self._stopping.is_set() or lapsed not in self._disconnecting:
                    return
        except BrokerUnavailable as exc:
            log.warning("member.not_disconnected", member=lapsed, reason=str(exc))
            self._disconnecting.discard(lapsed)  # tried again at the next renewal
        else:
            log.warning("member.disconnected", member=lapsed, connections=closed)

    async def _rebalance(self, tasks: asyncio.TaskGroup) -> None:
        now, subscriptions = self._clock(), self._consumer.subscriptions
        roles = {one: role_of(self._membership.member, self._assignment[one]) for one in self._partitions}
        # Owned partitions first: other members wait for this one to subscribe.
        for partition in sorted(roles, key=lambda one: roles[one] is not Role.OWNER):
            if partition in self._releasing or self._stopping.is_set():
                continue
            role, since = roles[partition], now - self._owners[partition][1]
            match next_action(role, subscriptions.get(partition), since=since):
                case Action.SUBSCRIBE:
                    await self._consumer.subscribe(partition, standby=role is Role.STANDBY)
                case Action.UNSUBSCRIBE:
                    self._releasing.add(partition)
                    tasks.create_task(self._release(partition))
                case Action.KEEP:
                    pass

    async def _release(self, partition: int) -> None:
        try:
            await self._consumer.unsubscribe(partition)
            log.info("partition.released", partition=partition)
        finally:
            self._releasing.discard(partition)
