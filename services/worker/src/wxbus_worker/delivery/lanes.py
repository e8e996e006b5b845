"""Order: the messages of one lane one after another, those of different lanes at once, up to a limit.

Implements `wxbus.bus.ports.DeliveryHandler`. Nothing waits in a task of its own: a lane whose next message may run
stands in a queue, and one task is made for each message that starts. A backlog costs a deque entry per message.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from wxbus.bus.ports import Delivery
from wxbus_worker.delivery.job import Job


class _Lane:
    """One user's messages, oldest first."""

    __slots__ = ("ahead", "alone", "job", "name", "partition", "rested", "resting", "waiting")

    def __init__(self, name: str, partition: "_Partition") -> None:
        self.name = name
        self.partition = partition
        self.waiting: deque[Delivery] = deque()
        self.job: Job | None = None
        self.alone = False
        """Its job is a suspect: it wants to run alone."""
        self.ahead = 0
        """Of its waiting messages, how many start before a suspect that waits."""
        self.resting = False
        """Its job waits for something and takes nobody's place."""
        self.rested: asyncio.Event | None = None
        """Set when a job that rested may go on; None: it rests, or never did."""

    def cancel(self) -> None:
        """Cancel its job, if there is one."""
        if self.job is not None and self.job.task is not None:
            self.job.task.cancel()


class _Partition:
    """The lanes of one partition while its channel lasts; a new channel gets a new one."""

    __slots__ = ("calm", "held", "idle", "lanes", "open", "resting", "running", "suspects")

    def __init__(self) -> None:
        self.lanes: dict[str, _Lane] = {}
        self.open = True
        self.running = 0
        self.resting = 0
        """Of those that run."""
        self.idle = asyncio.Event()
        self.idle.set()
        self.suspects = 0
        """Of those that run: they want to run alone, and only what was there before them starts meanwhile."""
        self.held: list[_Lane] = []
        """Lanes whose turn came meanwhile."""
        self.calm = asyncio.Event()
        """Only suspects run, and what was there before them has run."""

    def look(self) -> None:
        """See whether only suspects are left."""
        ahead = self.suspects and any(lane.ahead and not lane.resting for lane in self.lanes.values())
        if ahead or self.running - self.resting > self.suspects:
            self.calm.clear()
        else:
            self.calm.set()

    def suspect(self, lane: _Lane) -> None:
        """Let the job of `lane` run alone, after what waits in other lanes now."""
        if not self.suspects:
            for other in self.lanes.values():
                other.ahead = len(other.waiting)
        lane.ahead = 0
        lane.alone = True
        self.suspects += 1
        self.look()

    def clear(self, lane: _Lane) -> list[_Lane]:
        """Note that the job of `lane` need not run alone any more; return the lanes that go on."""
        lane.alone = False
        self.suspects -= 1
        going_on: list[_Lane] = []
        if not self.suspects:
            going_on, self.held = self.held, going_on
            for other in self.lanes.values():
                other.ahead = 0
        return going_on

    def shut(self) -> None:
        """Start nothing more: what waits or rests goes back to the queue with the channel."""
        self.open = False
        for lane in self.lanes.values():
            lane.waiting.clear()
            lane.ahead = 0
            if lane.resting:
                lane.cancel()
        self.look()


class Lanes:
    """Takes deliveries and has each of them worked on in its turn."""

    def __init__(self, work: Callable[[Job], Awaitable[object]], *, concurrency: int, tasks: asyncio.TaskGroup) -> None:
        """`work` handles and settles one delivery; what it raises ends the group of `tasks`, and the worker with it."""
        self._work = work
        self._concurrency = concurrency
        self._tasks = tasks
        self._partitions: dict[int, _Partition] = {}
        self._ready: deque[_Lane] = deque()
        self._closed = False
        self._suspecting = asyncio.Lock()
        self.running = 0
        """Messages being worked on."""
        self._resting = 0
        """Of those: they take nobody's place."""
        self._suspects_waiting = 0
        """Of those, too: what they wait for needs the place."""

    @property
    def waiting(self) -> int:
        """Return how many messages wait for their turn."""
        return sum(len(lane.waiting) for partition in self._partitions.values() for lane in partition.lanes.values())

    def deliver(self, delivery: Delivery) -> None:
        """Put it at the end of its lane."""
        partition = self._partitions.get(delivery.partition)
        if partition is None:
            partition = self._partitions[delivery.partition] = _Partition()
        if self._closed or not partition.open:
            return  # not acknowledged: it goes back, in order, when its channel closes
        lane = partition.lanes.get(delivery.lane)
        if lane is None:
            lane = partition.lanes[delivery.lane] = _Lane(delivery.lane, partition)
        lane.waiting.append(delivery)
        if lane.job is None and len(lane.waiting) == 1:
            self._ready.append(lane)
            self._start()

    def lost(self, partition: int) -> None:
        """Drop the partition's lanes; cancel what runs, unless it is past its commit: then it sends its replies."""
        gone = self._partitions.pop(partition, None)
        if gone is None:
            return
        gone.shut()
        for lane in gone.lanes.values():
            if lane.job is not None:
                lane.job.abandon()

    async def drain(self, partition: int) -> None:
        """Start nothing more of the partition; return when what runs has ended."""
        leaving = self._partitions.get(partition)
        if leaving is None:
            return
        leaving.shut()
        await leaving.idle.wait()
        if self._partitions.get(partition) is leaving:
            del self._partitions[partition]

    def blame(self, task: "asyncio.Task[Any] | None") -> Mapping[str, str]:
        """Note that a task blocks the loop: its message, or every one that runs if the task is none of a message.

        Returns log fields that name message and handler. May be called by another thread while the loop is blocked.
        """
        jobs = [
            lane.job
            for partition in list(self._partitions.values())
            for lane in list(partition.lanes.values())
            if lane.job is not None
        ]
        culprit = next((job for job in jobs if job.task is task), None)
        for job in jobs if culprit is None else (culprit,):
            job.blocked_loop = True
        return {} if culprit is None else culprit.named

    def close(self) -> None:
        """Start nothing more at all."""
        self._closed = True
        for partition in self._partitions.values():
            partition.shut()

    def _start(self) -> None:
        while self._ready and self.running - self._resting - self._suspects_waiting < self._concurrency:
            lane = self._ready.popleft()
            if not (lane.waiting if lane.job is None else lane.rested):  # dropped meanwhile
                continue
            if lane.partition.suspects and not lane.alone and not lane.ahead:
                lane.partition.held.append(lane)
                continue
            if lane.rested is not None:
                self._count_resting(lane, -1)
                lane.rested.set()
                lane.rested = None
                continue
            job = Job(lane.waiting.popleft(), alone=partial(self._alone, lane), rest=partial(self._rest, lane))
            work = self._run(job)
            try:
                job.task = self._tasks.create_task(work)
            except RuntimeError:  # the group comes to its end, by an error or a cancellation: it takes no new tasks
                work.close()
                self.close()
                return
            lane.job = job
            lane.ahead = max(0, lane.ahead - 1)
            self.running += 1
            lane.partition.running += 1
            lane.partition.idle.clear()
            # Not in a `finally` of the task: one that is cancelled before its first step never gets there.
            job.task.add_done_callback(partial(self._ended, lane))

    @asynccontextmanager
    async def _alone(self, lane: _Lane) -> AsyncIterator[None]:
        """Run the block when what was in the partition before it has run, and no other suspect runs at all.

        What comes later starts after the block.
        """
        partition = lane.partition
        partition.suspect(lane)
        try:
            async with AsyncExitStack() as stack:
                with self._giving_place():
                    await stack.enter_async_context(self._suspecting)
                    await partition.calm.wait()
                yield
        finally:
            self._ready.extend(partition.clear(lane))
            self._start()
            partition.look()

    @contextmanager
    def _giving_place(self) -> Iterator[None]:
        """Let others start in the place of a suspect that waits for them."""
        self._suspects_waiting += 1
        self._start()
        try:
            yield
        finally:
            self._suspects_waiting -= 1

    @asynccontextmanager
    async def _rest(self, lane: _Lane) -> AsyncIterator[None]:
        """Let others run while the block waits, then go on in turn; cancelled if the partition goes, with its lane."""
        self._count_resting(lane, 1)
        if not lane.partition.open:
            lane.cancel()
        self._start()
        try:
            yield
            rested = lane.rested = asyncio.Event()
            self._ready.append(lane)
            self._start()
            await rested.wait()
        finally:
            lane.rested = None
            if lane.resting:
                self._count_resting(lane, -1)

    def _count_resting(self, lane: _Lane, change: int) -> None:
        lane.resting = change > 0
        lane.partition.resting += change
        lane.partition.look()
        self._resting += change

    async def _run(self, job: Job) -> None:
        await self._work(job)

    def _ended(self, lane: _Lane, _task: "asyncio.Task[None]") -> None:
        partition = lane.partition
        lane.job = None
        self.running -= 1
        partition.running -= 1
        partition.look()
        if lane.waiting:
            self._ready.append(lane)  # at the end: a busy user does not hold the others up
        else:
            partition.lanes.pop(lane.name, None)
        if not partition.running:
            partition.idle.set()
        self._start()
