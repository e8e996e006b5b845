"""The writer thread of a spool: it makes all calls of a `SpoolFile`.

Everything that waits when a transaction begins goes into it, so one flush of the disk serves many callbacks
(RabbitMQ and Redis reference 9).
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import structlog

from wxbus.errors import SpoolUnavailable
from wxbus_ingress.spool.file import SpoolFile

TRANSACTION_JOBS = 256
"""Maximum number of jobs in one transaction."""
MAINTENANCE_INTERVAL = 1.0
"""Seconds after which the writer repeats the steps that a full disk prevented."""

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A call for the writer thread, and the future of its result."""

    call: Callable[[SpoolFile], Any]
    done: "asyncio.Future[Any]"
    adds: int = 0
    """Bytes of the envelope that it adds; 0: it adds none."""


Outcome: TypeAlias = tuple[Job, Any, BaseException | None]


class Writer:
    """Runs jobs on a spool file in a thread."""

    file: SpoolFile

    def __init__(self, path: Path) -> None:
        """Use `open`."""
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.pending_adds = 0
        self.pending_bytes = 0
        """Bytes of the envelopes that are not written yet, including those of cancelled calls."""
        self._write_failed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Writer"]:
        """Yield the writer of the spool at `path`; all jobs are done at the end of the block.

        Raises:
            ConfigurationError: The file cannot be used, or another process uses it.
        """
        writer = cls(path)
        opened: asyncio.Future[SpoolFile] = writer._loop.create_future()
        thread = threading.Thread(target=writer._run, args=(opened,), name=f"spool {path.name}")
        thread.start()
        try:
            writer.file = await opened
            yield writer
        finally:
            writer._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def run(self, call: Callable[[SpoolFile], T], *, adds: int = 0) -> T:
        """Return the result of `call`; jobs run in the order of these calls, those that add before the others.

        Raises:
            SpoolUnavailable: `call` raised it, or the disk refused to write.
        """
        if adds:
            self.pending_adds += 1
            self.pending_bytes += adds
        job = Job(call, self._loop.create_future(), adds)
        self._jobs.put(job)
        result: T = await job.done
        return result

    def check_writable(self, file: SpoolFile) -> None:
        """Return if the last write succeeded or another one does; raises SpoolUnavailable. Called in a job."""
        if not self._write_failed:
            return
        try:
            file.test_write()
        except sqlite3.Error as exc:
            raise _unavailable(exc) from exc
        self._note_success()

    def _run(self, opened: "asyncio.Future[SpoolFile]") -> None:
        try:
            file = SpoolFile(self._path)
        except Exception as exc:  # `open` raises it
            self._call_in_loop(_settle, opened, None, exc)
            return
        self._call_in_loop(_settle, opened, file, None)
        try:
            wait: float | None = None
            while (jobs := self._next_jobs(wait)) is not None:
                rows = file.stats.rows
                outcomes = self._execute(file, jobs)
                deleted = file.delete_removed()
                self._call_in_loop(self._settle_all, outcomes)
                if (rows or deleted) and not (file.stats.rows or file.undeleted):
                    file.shrink()
                file.maintain()
                wait = 0.0 if deleted and file.undeleted else MAINTENANCE_INTERVAL if file.needs_maintenance else None
            while file.delete_removed():
                pass
        finally:
            file.close()

    def _next_jobs(self, wait: float | None) -> list[Job] | None:
        """Return all waiting jobs, or none after `wait` seconds; None: the writer is to stop."""
        jobs: list[Job] = []
        while len(jobs) < TRANSACTION_JOBS:
            try:
                job = self._jobs.get(block=not jobs, timeout=wait)
            except queue.Empty:
                break
            if job is None:
                if not jobs:
                    return None
                self._jobs.put(None)  # stop after these jobs
                break
            jobs.append(job)
        return jobs

    def _execute(self, file: SpoolFile, jobs: Sequence[Job]) -> list[Outcome]:
        """Run jobs that add in one transaction; its failure does not concern the other jobs."""
        adding = [job for job in jobs if job.adds]
        outcomes: list[Outcome] = []
        try:
            if adding:
                with file.transaction():
                    outcomes = [_outcome(file, job) for job in adding]
        except sqlite3.Error as exc:
            self._note_failure(exc)
            outcomes = [(job, None, _unavailable(exc)) for job in adding]
        else:
            if any(failure is None for _, _, failure in outcomes):
                self._note_success()
        for job in jobs:
            if not job.adds:
                try:
                    outcomes.append(_outcome(file, job))
                except sqlite3.Error as exc:
                    outcomes.append((job, None, _unavailable(exc)))
        return outcomes

    def _note_failure(self, exc: sqlite3.Error) -> None:
        if not self._write_failed:  # once: the log may be on the same disk
            log.error("spool.write_failed", reason=str(exc))
        self._write_failed = True

    def _note_success(self) -> None:
        if self._write_failed:
            log.info("spool.write_recovered")
        self._write_failed = False

    def _settle_all(self, outcomes: Sequence[Outcome]) -> None:
        for job, result, failure in outcomes:
            if job.adds:
                self.pending_adds -= 1
                self.pending_bytes -= job.adds
            _settle(job.done, result, failure)

    def _call_in_loop(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


def _outcome(file: SpoolFile, job: Job) -> Outcome:
    try:
        return job, job.call(file), None
    except SpoolUnavailable as exc:  # raised before anything was written: the transaction continues
        return job, None, exc


def _settle(future: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if future.done():
        return  # cancelled
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)


def _unavailable(exc: sqlite3.Error) -> SpoolUnavailable:
    failure = SpoolUnavailable(f"the spool could not be used: {exc}")
    failure.__cause__ = exc
    return failure
