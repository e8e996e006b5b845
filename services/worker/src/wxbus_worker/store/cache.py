"""The lanes that a worker handles, as it knows them, so that it need not read them again before each message.

Only the owner of a partition commits to its lanes, so Redis has the state that it wrote last. Correctness does not
depend on that: each commit compares the version, and a wrong entry costs a conflict (decision 0020).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LONGEST_SILENCE: Final = 2.0
"""Seconds without a look-up after which nothing is trusted: a frozen process may have lost its partitions."""
NEVER: Final = -1
"""An epoch that no cache has."""
OVERHEAD: Final = 1_000
"""Bytes of an entry besides its context and its dedup keys, about."""


@dataclass(slots=True, eq=False)  # not frozen: that doubles the time to make one, and each message makes one
class KnownLane:
    """A lane as it was read or written last; never changed."""

    keys: tuple[str, ...]
    """The Redis keys of each commit."""
    version: int
    context: bytes
    dedup_keys: bytes
    r"""Oldest first, each between two `\n`."""
    epoch: int
    """Of the cache, when the lane was read."""
    untrimmed: int = 0
    """Commits since the oldest dedup keys were removed."""
    trimmed_at: float = float("-inf")
    """`time.monotonic()` of that."""
    expires_at: float = float("inf")
    """`time.monotonic()` at which the context is removed."""

    @classmethod
    def unread(cls, keys: tuple[str, ...]) -> "KnownLane":
        """Return a lane whose dedup keys are not known; it is never cached."""
        return cls(keys, 0, b"", b"", NEVER)

    def after(self, dedup_key: str, version: int, context: bytes, *, expires_at: float) -> "KnownLane":
        """Return the lane after a commit."""
        dedup_keys = b"%b%b\n" % (self.dedup_keys, dedup_key.encode())
        untrimmed = self.untrimmed + 1
        return KnownLane(self.keys, version, context, dedup_keys, self.epoch, untrimmed, self.trimmed_at, expires_at)

    def trimmed(self, removed: int, *, now: float) -> "KnownLane":
        """Return the lane without its `removed` oldest dedup keys."""
        dedup_keys = b"\n" + self.dedup_keys.split(b"\n", removed + 1)[-1] if removed else self.dedup_keys
        return KnownLane(
            self.keys, self.version, self.context, dedup_keys, self.epoch, trimmed_at=now, expires_at=self.expires_at
        )

    def remembers(self, dedup_key: str) -> bool:
        """Return whether a message was committed."""
        return b"\n%b\n" % dedup_key.encode() in self.dedup_keys

    @property
    def size(self) -> int:
        """Return the bytes that it takes, about."""
        return len(self.context) + len(self.dedup_keys) + OVERHEAD


class LaneCache:
    """The lanes that were committed last, up to a number of bytes."""

    def __init__(self, *, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """With `max_bytes=0` nothing is kept."""
        self._max_bytes = max_bytes
        self._clock = clock
        self._lanes: dict[str, KnownLane] = {}
        self._looked_up_at = clock()
        self.size = 0
        """Bytes of the entries, about."""
        self.epoch = 0
        """Increases whenever all entries are dropped."""

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._lanes)

    def get(self, lane: str) -> KnownLane | None:
        """Return the known state of a lane; None if it must be read."""
        now = self._clock()
        if now - self._looked_up_at > LONGEST_SILENCE:
            self.clear()
        self._looked_up_at = now
        known = self._lanes.get(lane)
        return None if known is None or known.expires_at <= now else known

    def put(self, lane: str, known: KnownLane) -> None:
        """Keep a lane that was committed, unless everything was dropped since it was read."""
        if known.epoch != self.epoch:
            return
        self.drop(lane)
        self._lanes[lane] = known
        self.size += known.size
        while self.size > self._max_bytes:
            self.drop(next(iter(self._lanes)))

    def drop(self, lane: str) -> None:
        """Forget a lane."""
        dropped = self._lanes.pop(lane, None)
        if dropped is not None:
            self.size -= dropped.size

    def clear(self) -> None:
        """Forget all lanes: other workers may have committed to them."""
        self._lanes.clear()
        self.size = 0
        self.epoch += 1
