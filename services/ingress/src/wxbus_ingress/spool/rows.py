"""The content of a spool's rows, and queries on all rows."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from wxbus.bus.envelope import Envelope

_envelopes = TypeAdapter(Envelope)


@dataclass(frozen=True, slots=True)
class SpooledEnvelope:
    """An envelope and its number in the order of arrival."""

    number: int
    envelope: Envelope


@dataclass(slots=True)
class SpoolStats:
    """Size and age of a spool."""

    rows: int = 0
    bytes: int = 0
    oldest: float | None = None
    """When the oldest envelope was added, in seconds since the epoch; None: the spool is empty."""
    unreadable: int = 0


def encode(envelope: Envelope) -> bytes:
    """Return the JSON of an envelope, as the file stores it."""
    return _envelopes.dump_json(envelope)


def decode(data: bytes) -> Envelope:
    """Return the envelope that `encode` wrote; raises ValidationError for data of an unknown release."""
    return _envelopes.validate_json(data)


def read_stats(connection: sqlite3.Connection) -> SpoolStats:
    """Return size and age of a spool."""
    rows, size, oldest = connection.execute(
        "SELECT count(*), coalesce(sum(length(envelope)), 0), min(spooled_at) FROM spool"
    ).fetchone()
    [unreadable] = connection.execute("SELECT count(*) FROM unreadable").fetchone()
    return SpoolStats(rows, size, oldest, unreadable)


def read_envelopes(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Yield all envelopes as JSON in the order of arrival, unreadable ones last."""
    for table in ("spool", "unreadable"):
        for (data,) in connection.execute(f"SELECT envelope FROM {table} ORDER BY number"):  # noqa: S608 - a constant
            yield bytes(data)
