"""The lanes of one partition, and which of them may start while a suspect waits to run alone."""

import asyncio
from collections import deque

from wxbus.bus.ports import Delivery
from wxbus_worker.delivery.job import Job


class Lane:
    """The messages of one user, oldest first."""

    __slots__ = ("before_suspect", "job", "name", "partition", "paused", "resumed", "suspect", "waiting")

    def __init__(self, name: str, partition: "Partition") -> None:
        self.name = name
        self.partition = partition
        self.waiting: deque[Delivery] = deque()
        self.job: Job | None = None
        self.suspect = False
        """The job wants to run alone."""
        self.before_suspect = 0
        """How many of the waiting messages start before a suspect of the partition."""
        self.paused = False
        """The job waits and leaves its place to others."""
        self.resumed: asyncio.Event | None = None
        """Set when the paused job may go on; None: it is still paused, or never was."""

    @property
    def ready(self) -> bool:
        """Whether there is a message to start, or a paused job to resume."""
        return bool(self.waiting) if self.job is None else self.resumed is not None

    def cancel(self) -> None:
        """Cancel the job, if there is one."""
        if self.job is not None and self.job.task is not None:
            self.job.task.cancel()


class Partition:
    """The lanes of one partition, as long as its channel lasts; a new channel has a new object."""

    __slots__ = ("idle", "lanes", "only_suspects", "open", "paused", "postponed", "running", "suspects")

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self.open = True
        self.running = 0
        self.paused = 0
        """Of the running ones."""
        self.idle = asyncio.Event()
        """Nothing runs."""
        self.idle.set()
        self.suspects = 0
        """Of the running ones: while there are any, only messages that waited before them start."""
        self.postponed: list[Lane] = []
        """Lanes that start after the suspects."""
        self.only_suspects = asyncio.Event()
        """Only suspects run, and the messages that waited before them have run."""

    def postpone(self, lane: Lane) -> bool:
        """Keep a lane back if it must start after a suspect; return whether it must."""
        if not self.suspects or lane.suspect or lane.before_suspect:
            return False
        self.postponed.append(lane)
        return True

    def started(self, lane: Lane, job: Job) -> None:
        """Record that a lane's next message runs."""
        lane.job = job
        lane.before_suspect = max(0, lane.before_suspect - 1)
        self.running += 1
        self.idle.clear()

    def ended(self, lane: Lane) -> None:
        """Record that a lane's job has ended."""
        lane.job = None
        self.running -= 1
        self.update()
        if not lane.waiting:
            self.lanes.pop(lane.name, None)
        if not self.running:
            self.idle.set()

    def set_paused(self, lane: Lane, *, paused: bool) -> None:
        """Record that a lane's job pauses or goes on."""
        lane.paused = paused
        self.paused += 1 if paused else -1
        self.update()

    def add_suspect(self, lane: Lane) -> None:
        """Let the job of `lane` run alone, after what waits in other lanes now."""
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
        """Start nothing more: RabbitMQ redelivers what waits or is paused when the channel closes."""
        self.open = False
        for lane in self.lanes.values():
            lane.waiting.clear()
            lane.before_suspect = 0
            if lane.paused:
                lane.cancel()
        self.update()
