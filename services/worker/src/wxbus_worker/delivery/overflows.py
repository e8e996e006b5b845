"""Gives lanes beyond their share an overflow, and finds those that have one when a partition is taken over."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final, TypeAlias

import structlog

from wxbus.aio.buckets import Buckets
from wxbus.bus.ports import Delivery
from wxbus_worker.delivery.partition import SLOW, Lane, Partition
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.overflow.feed import LaneFeed
from wxbus_worker.overflow.ports import Overflow, TenureEnded
from wxbus_worker.overflow.wakeups import Wakeups

WARNINGS: Final = 0.1
"""Warnings a second, for all lanes."""
WARNINGS_AT_ONCE: Final = 5
LAST_COMMAND: Final = 2.0
"""Seconds for the last commands when a partition is given up."""

Ready: TypeAlias = Callable[[Lane], None]
"""Takes a lane that has a message to run."""

log = structlog.stdlib.get_logger(__name__)


class Overflows:
    """The overflows of one worker's lanes."""

    def __init__(
        self, overflow: Overflow, wakeups: Wakeups, metrics: WorkerMetrics, *, tasks: asyncio.TaskGroup
    ) -> None:
        self._overflow = overflow
        self._wakeups = wakeups
        self._begun = metrics.overflows
        self._tasks = tasks
        self._warnings: Buckets[str] = Buckets(WARNINGS, WARNINGS_AT_ONCE)
        self.disconnect: Callable[[str], None] = lambda _: None
        """Ends the connection to RabbitMQ, with the reason. Called when another worker has taken over a partition."""

    def begin_tenure(self, number: int, partition: Partition, ready: Ready) -> None:
        """Take over the partition and find its lanes with an overflow; then the other lanes may start."""
        self._add_task(partition, self._begin_tenure(number, partition, ready))

    def begin_overflow(self, lane: Lane, ready: Ready) -> None:
        """Move a lane's waiting messages to its overflow, and feed the lane from there until the overflow is empty."""
        self._begun.inc()
        if not self._warnings.take("lanes"):
            # The name of a lane has an openid; the id of a message leads to it where that is allowed.
            digest = hashlib.blake2b(lane.name.encode(), digest_size=6).hexdigest()
            log.warning("lane.overflows", lane_digest=digest, message=lane.waiting[-1].key, waiting=len(lane.waiting))
        self._feed(lane, ready)

    def relieve(self, partition: Partition, ready: Ready) -> None:
        """While a partition is crowded, give its slow lanes an overflow even if they have less than their share."""
        if partition.relief is None:
            partition.relief = asyncio.get_running_loop().call_later(SLOW, self._relieve, partition, ready)

    def _relieve(self, partition: Partition, ready: Ready) -> None:
        partition.relief = None
        if not partition.open or not partition.is_crowded:
            return
        now = monotonic()
        for lane in list(partition.lanes.values()):
            if lane.crowds(now):
                self.begin_overflow(lane, ready)
        if partition.is_crowded:
            self.relieve(partition, ready)

    @staticmethod
    async def end_tenure(partition: Partition) -> None:
        """Let the feeds of a closed partition without running jobs end."""
        if partition.tenure is not None and partition.tasks:
            await asyncio.wait(partition.tasks, timeout=LAST_COMMAND)
        partition.cancel_tasks()

    async def _begin_tenure(self, number: int, partition: Partition, ready: Ready) -> None:
        tenure = await self._overflow.take_over(number)
        if not partition.open:
            return
        partition.tenure = tenure
        for name in tenure.lanes:
            self._feed(partition.lane(name), ready)
        for lane in list(partition.lanes.values()):
            if lane.feed is not None:
                continue
            if lane.is_over_share:
                self.begin_overflow(lane, ready)
            else:
                ready(lane)

    def _feed(self, lane: Lane, ready: Ready) -> None:
        partition = lane.partition
        if partition.tenure is None:
            raise RuntimeError("a lane cannot overflow before the tenure of its partition")
        running = None if lane.job is None else lane.job.delivery
        lane.feed = LaneFeed(
            self._overflow,
            self._wakeups,
            partition.tenure,
            lane.name,
            running=running,
            waiting=lane.take_all(),
            hand_over=partial(_hand_over, lane, ready),
            refused=partial(self._warn_of_no_room, partition.tenure.partition),
        )
        partition.update()
        self._add_task(partition, self._run(lane, lane.feed))

    def _warn_of_no_room(self, partition: int) -> None:
        if not self._warnings.take("no room"):
            log.warning("overflow.full", partition=partition, setting="WXBUS_WORKER_OVERFLOW_MIB")

    async def _run(self, lane: Lane, feed: LaneFeed) -> None:
        try:
            await feed.run()
        except TenureEnded as exc:
            self.disconnect(str(exc))
            return
        lane.feed = None
        lane.partition.forget(lane)

    def _add_task(self, partition: Partition, work: Coroutine[Any, Any, None]) -> None:
        try:
            task = self._tasks.create_task(work)
        except RuntimeError:  # the group is ending, after an error or a cancellation
            work.close()
            return
        partition.tasks.add(task)
        task.add_done_callback(partition.tasks.discard)


def _hand_over(lane: Lane, ready: Ready, messages: Sequence[Delivery]) -> None:
    if lane.partition.open:
        for message in messages:
            lane.add(message)
        ready(lane)
