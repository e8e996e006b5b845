"""The spool: takes envelopes durably while RabbitMQ cannot, many in one commit.

One thread writes. Whatever waits for it goes into one transaction, so a commit (a flush of the disk) is shared by all
that came while the one before ran (RabbitMQ and Redis reference 9).
"""

import asyncio
import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import structlog

from wxbus.bus.envelope import Envelope
from wxbus.errors import SpoolUnavailable
from wxbus_ingress.settings import SpoolLimits
from wxbus_ingress.spool.file import Spooled, SpoolFile, encode
from wxbus_ingress.spool.reserve import SIZE as RESERVE

COMMIT = 256
"""Jobs in one transaction at most."""
CARE_PAUSE = 1.0
"""Seconds after which what a full disk did not allow is tried again."""

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something for the writer thread to do, and who waits for it."""

    do: Callable[[SpoolFile], Any]
    done: "asyncio.Future[Any]"
    adds: int = 0
    """Bytes of the envelope that it adds."""


Outcome: TypeAlias = tuple[Job, Any, BaseException | None]


class Spool:
    """A spool file, written by a thread of its own."""

    def __init__(self, path: Path, limits: SpoolLimits) -> None:
        """Use `open`."""
        self.path = path
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._file: SpoolFile | None = None
        self._numbers = itertools.count(1)
        self.adding = 0
        """Envelopes on their way into the file."""
        self._adding_bytes = 0
        self._failing = ""
        """What the last write failed with; "" if it did not."""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, limits: SpoolLimits) -> AsyncIterator["Spool"]:
        """Yield the spool at `path`; what was in it at the end of the last process still is.

        Raises:
            ConfigurationError: The file cannot be used, or another process has it.
        """
        spool = cls(path, limits)
        opened: asyncio.Future[SpoolFile] = spool._loop.create_future()
        thread = threading.Thread(target=spool._run, args=(opened,), name=f"spool {path.name}")
        thread.start()
        try:
            spool._file = await opened
            spool._numbers = itertools.count(spool._file.last_number() + 1)
            yield spool
        finally:
            spool._jobs.put(None)
            await asyncio.to_thread(thread.join)

    @property
    def rows(self) -> int:
        """Return how many envelopes it holds."""
        return self._file.contents.rows if self._file else 0

    @property
    def bytes(self) -> int:
        """Return the size of all envelopes in it."""
        return self._file.contents.bytes if self._file else 0

    @property
    def unreadable(self) -> int:
        """Return how many envelopes were set aside because no release of ours can read them."""
        return self._file.contents.unreadable if self._file else 0

    @property
    def age(self) -> float:
        """Return for how many seconds the oldest envelope has been in it; 0 if it is empty."""
        oldest = self._file.contents.oldest if self._file else None
        return 0.0 if oldest is None else max(0.0, time.time() - oldest)

    def next_number(self, *, first: bool = False) -> int:
        """Return the number of an arrival: envelopes leave the spool in the order of these.

        `first` gives one that goes before all others.
        """
        number = next(self._numbers)
        return -number if first else number

    async def check(self) -> None:
        """Return if an envelope would be taken now.

        Raises:
            SpoolUnavailable: It would not; the text names the limit, or what the disk says.
        """

        def check(file: SpoolFile) -> None:
            self._admit(file, 0)
            if self._failing:
                self._try_write(file)

        await self._ask(check)

    async def add(self, number: int, envelope: Envelope) -> None:
        """Return once `envelope` is on disk; what is called first is written first.

        Raises:
            SpoolUnavailable: It is not taken, the text says why; cancelled meanwhile, it may be there all the same.
        """
        limits = self._limits
        if self.adding >= limits.waiting or self._adding_bytes >= limits.waiting_bytes:
            raise SpoolUnavailable(f"{self.adding} callbacks ({self._adding_bytes} bytes) wait for the disk: the limit")
        data = encode(envelope)

        def add(file: SpoolFile) -> None:
            self._admit(file, len(data))
            file.add(number, envelope.id, data)

        self.adding += 1
        self._adding_bytes += len(data)
        await self._ask(add, adds=len(data))

    async def oldest(self, limit: int) -> Sequence[Spooled]:
        """Return up to `limit` envelopes in the order of arrival; all that were added before the call are counted."""
        return await self._ask(lambda file: file.oldest(limit))

    async def remove(self, numbers: Iterable[int]) -> None:
        """Remove what RabbitMQ has confirmed: `oldest` does not return it again, even if it cannot be deleted yet."""
        await self._ask(lambda file: file.remove(numbers))

    async def _ask(self, do: Callable[[SpoolFile], T], *, adds: int = 0) -> T:
        job = Job(do, self._loop.create_future(), adds)
        self._jobs.put(job)
        result: T = await job.done
        return result

    def _admit(self, file: SpoolFile, size: int) -> None:
        """Raise SpoolUnavailable if an envelope of `size` bytes must not be added."""
        contents, limits = file.contents, self._limits
        if contents.bytes + size > limits.size_limit:
            raise SpoolUnavailable(f"the spool is full: {contents.bytes} bytes of {limits.size_limit}")
        if contents.oldest is not None and time.time() - contents.oldest > limits.age_limit:
            raise SpoolUnavailable(f"the oldest callback in the spool is over the age limit of {limits.age_limit:g} s")
        if file.unwritable:
            raise SpoolUnavailable(f"the spool could not be opened for writing: {file.unwritable}")
        floor = limits.disk_floor if file.reserve.held else max(limits.disk_floor, RESERVE)
        if (room := file.room()) < floor:
            raise SpoolUnavailable(f"the disk is nearly full: {room} bytes free, {floor} are the floor")

    def _run(self, opened: "asyncio.Future[SpoolFile]") -> None:
        """Work until told to end: the writer thread."""
        try:
            file = SpoolFile(self.path)
        except Exception as exc:  # whoever waits for the file gets it
            self._tell(_settle, opened, None, exc)
            return
        self._tell(_settle, opened, file, None)
        try:
            wait: float | None = None
            while (jobs := self._next_jobs(wait)) is not None:
                held = file.contents.rows
                outcomes = self._work(file, jobs)
                deleted = file.delete_sent()
                self._tell(self._settle_all, outcomes)
                if (held or deleted) and not (file.contents.rows or file.deleting):
                    file.shrink()
                file.care()
                wait = 0.0 if deleted and file.deleting else CARE_PAUSE if file.wants_care else None
            while file.delete_sent():
                pass
        finally:
            file.close()

    def _next_jobs(self, wait: float | None) -> list[Job] | None:
        """Return what waits, nothing after `wait` seconds; None at the end."""
        jobs: list[Job] = []
        while len(jobs) < COMMIT:
            try:
                job = self._jobs.get(block=not jobs, timeout=wait)
            except queue.Empty:
                break
            if job is None:
                if not jobs:
                    return None
                self._jobs.put(None)  # after these
                break
            jobs.append(job)
        return jobs

    def _work(self, file: SpoolFile, jobs: Sequence[Job]) -> list[Outcome]:
        """Do what is asked: adding in one transaction, whose failure leaves reading and removing alone."""
        adding = [job for job in jobs if job.adds]
        outcomes: list[Outcome] = []
        try:
            if adding:
                with file.transaction():
                    outcomes = [_outcome(file, job) for job in adding]
        except sqlite3.Error as exc:
            self._note_failure(exc)
            outcomes = [(job, None, _unwritten(exc)) for job in adding]
        else:
            if any(failure is None for _, _, failure in outcomes):
                self._note_success()
        for job in jobs:
            if not job.adds:
                try:
                    outcomes.append(_outcome(file, job))
                except sqlite3.Error as exc:
                    outcomes.append((job, None, _unwritten(exc)))
        return outcomes

    def _try_write(self, file: SpoolFile) -> None:
        try:
            file.try_write()
        except sqlite3.Error as exc:
            raise _unwritten(exc) from exc
        self._note_success()

    def _note_failure(self, exc: sqlite3.Error) -> None:
        if not self._failing:  # once: the log may be on the same disk
            log.error("spool.failed", reason=str(exc))
        self._failing = str(exc)

    def _note_success(self) -> None:
        if self._failing:
            log.info("spool.recovered")
        self._failing = ""

    def _settle_all(self, outcomes: Sequence[Outcome]) -> None:
        """Tell who waits, in the event loop."""
        for job, result, failure in outcomes:
            if job.adds:
                self.adding -= 1
                self._adding_bytes -= job.adds
            _settle(job.done, result, failure)

    def _tell(self, what: Callable[..., object], *values: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *values)


def _outcome(file: SpoolFile, job: Job) -> Outcome:
    try:
        return job, job.do(file), None
    except SpoolUnavailable as exc:  # raised before anything was written: the others stand
        return job, None, exc


def _settle(future: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
    if future.done():
        return  # cancelled
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)


def _unwritten(exc: sqlite3.Error) -> SpoolUnavailable:
    failure = SpoolUnavailable(f"the spool could not be used: {exc}")
    failure.__cause__ = exc
    return failure
