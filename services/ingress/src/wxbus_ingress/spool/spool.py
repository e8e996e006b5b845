"""The spool: stores envelopes on disk while RabbitMQ does not confirm them."""

import itertools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from wxbus.bus.envelope import Envelope
from wxbus.errors import SpoolUnavailable
from wxbus_ingress.settings import SpoolLimits
from wxbus_ingress.spool.file import SpoolFile
from wxbus_ingress.spool.reserve import SIZE as RESERVE
from wxbus_ingress.spool.rows import SpooledEnvelope, encode
from wxbus_ingress.spool.writer import Writer


class Spool:
    """A spool file within limits."""

    def __init__(self, path: Path, limits: SpoolLimits, writer: Writer) -> None:
        """Use `open`."""
        self.path = path
        self.writer = writer
        self._limits = limits
        self._numbers = itertools.count(writer.file.last_number() + 1)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, limits: SpoolLimits) -> AsyncIterator["Spool"]:
        """Yield the spool at `path`, with the rows that the last process left.

        Raises:
            ConfigurationError: The file cannot be used, or another process uses it.
        """
        async with Writer.open(path) as writer:
            yield cls(path, limits, writer)

    @property
    def rows(self) -> int:
        """Return the number of envelopes."""
        return self.writer.file.stats.rows

    @property
    def bytes(self) -> int:
        """Return the size of all envelopes."""
        return self.writer.file.stats.bytes

    @property
    def unreadable(self) -> int:
        """Return the number of rows that this release cannot read."""
        return self.writer.file.stats.unreadable

    @property
    def oldest_age(self) -> float:
        """Return the seconds since the oldest envelope was added; 0 if the spool is empty."""
        oldest = self.writer.file.stats.oldest
        return 0.0 if oldest is None else max(0.0, time.time() - oldest)

    @property
    def is_empty(self) -> bool:
        """Return whether the spool has no envelope, and none is being added."""
        return not (self.rows or self.writer.pending_adds)

    def next_number(self, *, first: bool = False) -> int:
        """Return the number of an arrival; envelopes leave the spool in the order of their numbers.

        `first` returns a number before all others.
        """
        number = next(self._numbers)
        return -number if first else number

    async def check(self) -> None:
        """Return if the spool would accept an envelope.

        Raises:
            SpoolUnavailable: It would not; the text names the limit or the disk's error.
        """

        def check(file: SpoolFile) -> None:
            self._check_limits(file, 0)
            self.writer.check_writable(file)

        await self.writer.run(check)

    async def add(self, number: int, envelope: Envelope) -> None:
        """Return once `envelope` is on disk; calls are written in their order.

        Raises:
            SpoolUnavailable: It was refused, for the reason in the text. A cancelled call may still store it.
        """
        pending, size = self.writer.pending_adds, self.writer.pending_bytes
        if pending >= self._limits.queue_limit or size >= self._limits.queue_bytes_limit:
            raise SpoolUnavailable(f"{pending} callbacks ({size} bytes) wait for the disk: the limit")
        data = encode(envelope)

        def add(file: SpoolFile) -> None:
            self._check_limits(file, len(data))
            file.add(number, envelope.id, data)

        await self.writer.run(add, adds=len(data))

    async def oldest(self, limit: int) -> Sequence[SpooledEnvelope]:
        """Return up to `limit` envelopes in the order of arrival, of all that were added before the call."""
        return await self.writer.run(lambda file: file.oldest(limit))

    async def remove(self, numbers: Iterable[int]) -> None:
        """Remove envelopes that RabbitMQ confirmed: `oldest` omits them, even if a full disk prevents deletion."""
        await self.writer.run(lambda file: file.remove(numbers))

    def _check_limits(self, file: SpoolFile, size: int) -> None:
        """Raise SpoolUnavailable if an envelope of `size` bytes must not be added."""
        stats, limits = file.stats, self._limits
        if stats.bytes + size > limits.size_limit:
            raise SpoolUnavailable(f"the spool is full: {stats.bytes} bytes of {limits.size_limit}")
        if stats.oldest is not None and time.time() - stats.oldest > limits.age_limit:
            raise SpoolUnavailable(f"the oldest callback in the spool is over the age limit of {limits.age_limit:g} s")
        if file.read_only_reason:
            raise SpoolUnavailable(f"the spool could not be opened for writing: {file.read_only_reason}")
        floor = limits.disk_floor if file.reserve.allocated else max(limits.disk_floor, RESERVE)
        if (free := file.free_bytes()) < floor:
            raise SpoolUnavailable(f"the disk is nearly full: {free} bytes free, the floor is {floor}")
