"""Takeover times computed from the logs of workers."""

import json
from datetime import UTC, datetime
from math import inf
from types import SimpleNamespace
from typing import Any

from tests.support.partition_takeovers import takeover_times


def a_worker(name: str, *lines: tuple[float, str, int]) -> Any:
    """Return a worker with these log lines: time, event, partition."""
    said = [
        json.dumps({"event": event, "partition": partition, "timestamp": datetime.fromtimestamp(at, UTC).isoformat()})
        for at, event, partition in lines
    ]
    return SimpleNamespace(name=name, said=lambda: "\n".join(said))


def test_a_partition_is_taken_over_at_the_first_delivery_to_another_worker() -> None:
    """A partition without a delivery since has no end; partitions of other workers are omitted."""
    victim = a_worker("one", (1, "partition.delivering", 1), (1, "partition.delivering", 2))
    other = a_worker("two", (1, "partition.delivering", 3), (5.5, "partition.delivering", 1))
    assert takeover_times([victim, other], victim, 5) == [0.5, inf]


def test_a_released_partition_is_omitted() -> None:
    """Its next owner may have logged its first delivery before."""
    victim = a_worker(
        "one", (1, "partition.delivering", 1), (3, "partition.delivering", 2), (4, "partition.released", 2)
    )
    other = a_worker("two", (2, "partition.delivering", 2), (5.25, "partition.delivering", 1))
    assert takeover_times([victim, other], victim, 5) == [0.25]


def test_a_partition_that_came_back_belongs_to_the_victim() -> None:
    """It released the partition before it got it again."""
    victim = a_worker(
        "one", (1, "partition.delivering", 1), (2, "partition.released", 1), (4, "partition.delivering", 1)
    )
    other = a_worker("two", (3, "partition.delivering", 1))
    assert takeover_times([victim, other], victim, 5) == [inf]
