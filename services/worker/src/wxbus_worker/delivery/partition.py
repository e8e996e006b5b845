"""The lanes of one partition: their shares, and which may start while a suspect waits to run alone."""

import asyncio
from collections import deque
from time import monotonic
from typing import Final

from wxbus.bus.consumer import PREFETCH
from wxbus.bus.ports import Delivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.overflow.feed import LaneFeed
from wxbus_worker.overflow.ports import Tenure

SHARE: Final = 32
"""Messages of a lane that may wait in memory. RabbitMQ closes a channel whose messages are not acknowledged for 30
minutes: these must be handled by then."""
SHARE_BYTES: Final = 256 * 1024
CROWDED: Final = PREFETCH // 2
"""Waiting messages of a partition from which on slow lanes have a smaller share."""
CROWDED_BYTES: Final = 8 * 1024 * 1024
"""Bytes of waiting messages of a partition from which on all lanes have a smaller share."""
CROWDED_SHARE: Final = 4
SLOW: Final = 1.0
"""Seconds after which a lane counts as slow because of its running message. A quick lane frees its memory itself: a
backlog after an outage is not a flood."""


class Lane:
    """The messages of one user, oldest first."""

    __slots__ = (
        "before_suspect", "bytes", "feed", "job", "name", "partition", "paused", "resumed", "since", "suspect",
        "waiting",
    )  # fmt: skip

    def __init__(self, name: str, partition: "Partition") -> None:
        self.name = name
        self.partition = partition
        self.waiting: deque[Delivery] = deque()
        self.bytes = 0
        """Bytes of the waiting messages."""
        self.since = 0.0
        """`time.monotonic()` of the start of the job."""
        self.feed: LaneFeed | None = None
        """Set while the lane has an overflow; then the waiting messages come from there."""
        self.job: Job | None = None
        self.suspect = False
        """The job wants to run alone."""
        self.before_suspect = 0
        """How many of the waiting messages start before a suspect of the partition."""
        self.paused = False
        """The job waits, and does not use its concurrency slot."""
        self.resumed: asyncio.Event | None = None
        """Set when the paused job may go on; None: it is still paused, or never was."""

    @property
    def ready(self) -> bool:
        """Whether there is a message to start, or a paused job to resume."""
        return bool(self.waiting) if self.job is None else self.resumed is not None

    @property
    def is_over_share(self) -> bool:
        """Whether more messages wait than the lane may keep in memory."""
        if len(self.waiting) < 2:
            return False
        large = self.bytes > SHARE_BYTES or self.partition.bytes > CROWDED_BYTES
        return large or len(self.waiting) > SHARE

    def crowds(self, now: float) -> bool:
        """Whether the lane is slow, and keeps more messages in memory than it may in a crowded partition."""
        return (
            self.feed is None and self.job is not None and len(self.waiting) > CROWDED_SHARE and now - self.since > SLOW
        )

    def add(self, delivery: Delivery) -> None:
        """Put a message behind the others."""
        self.waiting.append(delivery)
        self.bytes += delivery.size
        self.partition.waiting += 1
        self.partition.bytes += delivery.size

    def take(self) -> Delivery:
        """Remove the oldest message and return it."""
        delivery = self.waiting.popleft()
        self.bytes -= delivery.size
        self.partition.waiting -= 1
        self.partition.bytes -= delivery.size
        return delivery

    def take_all(self) -> list[Delivery]:
        """Remove all messages and return them."""
        taken = [self.take() for _ in range(len(self.waiting))]
        self.before_suspect = 0
        return taken

    def cancel(self) -> None:
        """Cancel the job, if there is one."""
        if self.job is not None and self.job.task is not None:
            self.job.task.cancel()


class Partition:
    """The lanes of one partition, as long as its channel lasts; a new channel has a new object."""

    __slots__ = (
        "bytes", "idle", "lanes", "only_suspects", "open", "paused", "postponed", "relief", "running",
        "suspects", "tasks",
        "tenure", "waiting",
    )  # fmt: skip

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self.open = True
        self.tenure: Tenure | None = None
        """None until the lanes with an overflow are known: no message may start before."""
        self.tasks: set[asyncio.Task[None]] = set()
        """Tasks that begin the tenure, and feed lanes from their overflow."""
        self.waiting = 0
        """Messages in memory that do not run."""
        self.bytes = 0
        """Bytes of these messages."""
        self.relief: asyncio.TimerHandle | None = None
        """Set while the partition is crowded."""
        self.running = 0
        self.paused = 0
        """Running jobs that wait, and do not use their concurrency slots."""
        self.idle = asyncio.Event()
        """Set while no job runs."""
        self.idle.set()
        self.suspects = 0
        """Running suspects: while there are any, only messages that waited before them start."""
        self.postponed: list[Lane] = []
        """Lanes that start after the suspects."""
        self.only_suspects = asyncio.Event()
        """Set while only suspects run, and the messages that waited before them have run."""

    @property
    def is_crowded(self) -> bool:
        """Whether a large part of the prefetched messages waits."""
        return self.waiting > CROWDED

    def lane(self, name: str) -> Lane:
        """Return a lane, made if there is none."""
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = Lane(name, self)
        return lane

    def forget(self, lane: Lane) -> None:
        """Remove a lane that has nothing to do."""
        if lane.job is None and lane.feed is None and not lane.waiting:
            self.lanes.pop(lane.name, None)

    def cancel_tasks(self) -> None:
        """End the tenure."""
        if self.relief is not None:
            self.relief.cancel()
        for task in self.tasks:
            task.cancel()

    def postpone(self, lane: Lane) -> bool:
        """Postpone a lane if it must start after a suspect; return whether it must."""
        if not self.suspects or lane.suspect or lane.before_suspect:
            return False
        self.postponed.append(lane)
        return True

    def started(self, lane: Lane, job: Job) -> None:
        """Record that a lane's next message runs."""
        lane.job = job
        lane.since = monotonic()
        lane.before_suspect = max(0, lane.before_suspect - 1)
        self.running += 1
        self.idle.clear()

    def ended(self, lane: Lane) -> None:
        """Record that a lane's job has ended."""
        lane.job = None
        self.running -= 1
        self.update()
        self.forget(lane)
        if not self.running:
            self.idle.set()

    def set_paused(self, lane: Lane, *, paused: bool) -> None:
        """Record that a lane's job pauses or goes on."""
        lane.paused = paused
        self.paused += 1 if paused else -1
        self.update()

    def add_suspect(self, lane: Lane) -> None:
        """Let the job of `lane` run alone, after the messages that wait in other lanes now."""
        if not self.suspects:
            for other in self.lanes.values():
                other.before_suspect = len(other.waiting)
        lane.before_suspect = 0
        lane.suspect = True
        self.suspects += 1
        self.update()

    def remove_suspect(self, lane: Lane) -> list[Lane]:
        """Record that the job of `lane` need not run alone any more; return the lanes that may start now."""
        lane.suspect = False
        self.suspects -= 1
        if self.suspects:
            return []
        released, self.postponed = self.postponed, []
        for other in self.lanes.values():
            other.before_suspect = 0
        return released

    def update(self) -> None:
        """Set or clear `only_suspects`."""
        before = self.suspects and any(lane.before_suspect and not lane.paused for lane in self.lanes.values())
        if before or self.running - self.paused > self.suspects:
            self.only_suspects.clear()
        else:
            self.only_suspects.set()

    def close(self) -> None:
        """Start nothing more: RabbitMQ redelivers waiting and paused messages when the channel closes."""
        self.open = False
        for lane in self.lanes.values():
            lane.take_all()
            if lane.feed is not None:
                lane.feed.drain()
            if lane.paused:
                lane.cancel()
        self.update()
