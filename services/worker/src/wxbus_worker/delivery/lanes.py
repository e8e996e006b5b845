"""Runs deliveries in order: those of one lane one after another, those of different lanes concurrently, up to a limit.

Implements `wxbus.bus.ports.DeliveryHandler`. A waiting message has no task: lanes whose next message may start are in a
queue, and a task is made for each message that starts. So a backlog costs one deque entry per message. Messages of a
lane beyond its share go to its overflow (decision 0022).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

from wxbus.bus.ports import Delivery
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.overflows import Overflows
from wxbus_worker.delivery.partition import Lane, Partition
from wxbus_worker.overflow.ports import Tenure

STARTS: Final = 32
"""Messages that start in one iteration of the event loop: a backlog must not delay the messages that run."""


class Lanes:
    """Receives deliveries and runs each of them when its lane is free."""

    def __init__(
        self,
        work: Callable[[Job], Awaitable[object]],
        *,
        concurrency: int,
        tasks: asyncio.TaskGroup,
        overflows: Overflows | None = None,
        owner_changed: Callable[[], object] = lambda: None,
    ) -> None:
        """`work` handles and settles one delivery; an error that it raises ends the group `tasks`, and the worker.

        Without `overflows` all messages wait in memory. `owner_changed` is called when this process loses or gives up a
        partition.
        """
        self._work = work
        self._overflows = overflows
        self._concurrency = concurrency
        self._tasks = tasks
        self._owner_changed = owner_changed
        self._partitions: dict[int, Partition] = {}
        self._ready: deque[Lane] = deque()
        self._closed = False
        self._one_suspect = asyncio.Lock()
        self.running = 0
        """Messages that are being handled."""
        self._paused = 0
        """Running jobs that wait, and do not use their concurrency slots."""
        self._suspects_waiting = 0
        """Running suspects that wait for other jobs, which may use their slots."""
        self._starts_left = STARTS
        """Messages that may still start in this iteration of the event loop."""

    @property
    def waiting(self) -> int:
        """Return the number of messages that wait in their lanes."""
        return sum(len(lane.waiting) if lane.feed is None else lane.feed.length for lane in self._lanes())

    @property
    def overflowing(self) -> int:
        """Return the number of lanes that have an overflow."""
        return sum(lane.feed is not None for lane in self._lanes())

    @property
    def held_back(self) -> int:
        """Return the number of lanes whose overflow has no room."""
        return sum(lane.feed is not None and lane.feed.held_back for lane in self._lanes())

    def deliver(self, delivery: Delivery) -> None:
        """Put a delivery at the end of its lane."""
        partition = self._partitions.get(delivery.partition)
        if partition is None:
            partition = self._partitions[delivery.partition] = Partition()
            if self._overflows is None:
                partition.tenure = Tenure(delivery.partition, 0, {})
            elif not self._closed:
                self._overflows.begin_tenure(delivery.partition, partition, self._make_ready)
        if self._closed or not partition.open:
            return  # not acknowledged: RabbitMQ redelivers it, in order, when the channel closes
        lane = partition.lane(delivery.lane)
        if lane.feed is not None:
            lane.feed.take(delivery)
            return
        lane.add(delivery)
        if partition.tenure is None:
            return
        if lane.job is None and len(lane.waiting) == 1:
            self._make_ready(lane)
        elif self._overflows is not None:
            if lane.is_over_share:
                self._overflows.begin_overflow(lane, self._make_ready)
            if partition.is_crowded:
                self._overflows.relieve(partition, self._make_ready)

    def lost(self, partition: int) -> None:
        """Drop the lanes of a lost partition, and cancel its jobs except those that are sending replies."""
        lost = self._partitions.pop(partition, None)
        if lost is None:
            return
        lost.close()
        self._owner_changed()
        lost.cancel_tasks()
        for lane in lost.lanes.values():
            if lane.job is not None:
                lane.job.abandon()

    async def drain(self, partition: int) -> None:
        """Start nothing more of a partition; return when its jobs have ended."""
        draining = self._partitions.get(partition)
        if draining is None:
            return
        draining.close()
        await draining.idle.wait()
        if self._overflows is not None:
            await self._overflows.end_tenure(draining)
        if self._partitions.get(partition) is draining:
            del self._partitions[partition]
            self._owner_changed()

    def mark_blocking(self, task: "asyncio.Task[Any] | None") -> Mapping[str, str]:
        """Mark the job whose task blocks the event loop, or all running jobs if the task belongs to none of them.

        Returns log fields that name message and handler. May be called by another thread while the loop is blocked.
        """
        jobs = [lane.job for lane in self._lanes() if lane.job is not None]
        blocking = next((job for job in jobs if job.task is task), None)
        for job in jobs if blocking is None else (blocking,):
            job.blocked_loop = True
        return {} if blocking is None else blocking.log_fields

    def close(self) -> None:
        """Start nothing more in any partition."""
        self._closed = True
        for partition in self._partitions.values():
            partition.close()

    def _lanes(self) -> Iterator[Lane]:
        for partition in list(self._partitions.values()):
            yield from list(partition.lanes.values())

    def _make_ready(self, lane: Lane) -> None:
        self._ready.append(lane)
        self._start()

    def _start_more(self) -> None:
        self._starts_left = STARTS
        self._start()

    def _start(self) -> None:
        """Start or resume ready lanes, as long as there are free slots."""
        while self._ready and self.running - self._paused - self._suspects_waiting < self._concurrency:
            if not self._starts_left:
                return  # `_start_more` goes on
            lane = self._ready.popleft()
            if not lane.ready or lane.partition.postpone(lane):  # not ready: its messages were dropped meanwhile
                continue
            if lane.resumed is not None:
                self._set_paused(lane, paused=False)
                lane.resumed.set()
                lane.resumed = None
                continue
            if self._starts_left == STARTS:
                asyncio.get_running_loop().call_soon(self._start_more)
            self._starts_left -= 1
            job = Job(lane.take(), run_alone=partial(self._run_alone, lane), pause_lane=partial(self._pause, lane))
            work = self._run(job)
            try:
                job.task = self._tasks.create_task(work)
            except RuntimeError:  # the group is ending, after an error or a cancellation
                work.close()
                self.close()
                return
            self.running += 1
            lane.partition.started(lane, job)
            # Not in a `finally` of the task: a task that is cancelled before its first step does not run that.
            job.task.add_done_callback(partial(self._ended, lane))

    @asynccontextmanager
    async def _run_alone(self, lane: Lane) -> AsyncIterator[None]:
        """Run the block after the messages that wait in the partition now, and without another suspect of the process.

        Messages that arrive later start after the block.
        """
        partition = lane.partition
        partition.add_suspect(lane)
        try:
            async with AsyncExitStack() as stack:
                with self._suspect_waits():
                    await stack.enter_async_context(self._one_suspect)
                    await partition.only_suspects.wait()
                yield
        finally:
            self._ready.extend(partition.remove_suspect(lane))
            self._start()
            partition.update()

    @contextmanager
    def _suspect_waits(self) -> Iterator[None]:
        """Let the jobs that a suspect waits for use its slot."""
        self._suspects_waiting += 1
        self._start()
        try:
            yield
        finally:
            self._suspects_waiting -= 1

    @asynccontextmanager
    async def _pause(self, lane: Lane) -> AsyncIterator[None]:
        """Free the slot during the block, then wait for a free one; cancelled if the partition is closed."""
        self._set_paused(lane, paused=True)
        if not lane.partition.open:
            lane.cancel()
        self._start()
        try:
            yield
            resumed = lane.resumed = asyncio.Event()
            self._ready.append(lane)
            self._start()
            await resumed.wait()
        finally:
            lane.resumed = None
            if lane.paused:
                self._set_paused(lane, paused=False)

    def _set_paused(self, lane: Lane, *, paused: bool) -> None:
        lane.partition.set_paused(lane, paused=paused)
        self._paused += 1 if paused else -1

    async def _run(self, job: Job) -> None:
        try:
            await self._work(job)
        finally:
            job.release()

    def _ended(self, lane: Lane, _task: "asyncio.Task[None]") -> None:
        self.running -= 1
        lane.partition.ended(lane)
        if lane.waiting:
            self._ready.append(lane)  # at the end: a busy user does not delay the others
        elif lane.feed is not None:
            lane.feed.job_ended()
        self._start()
