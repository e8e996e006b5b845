"""Finds the shards of an index that have something due, by one command for all of them (decision 0025)."""

from collections.abc import Callable, Sequence

from wxbus_worker.store.ports import SHARDS
from wxbus_worker.store.scripts import Scripts, load


class DueShards:
    """The shards of one index, whose scores are moments."""

    def __init__(self, scripts: Scripts, index_of: Callable[[int], str]) -> None:
        """`index_of` returns the key of a shard's index."""
        self._scripts = scripts
        self._keys = [index_of(shard) for shard in range(SHARDS)]
        self._find_due = load("find_due")

    async def find(self) -> Sequence[int]:
        """Return the shards with a moment that has passed."""
        return [position - 1 for position in await self._scripts.run(self._find_due, keys=self._keys)]
