"""What the logs of workers say of a partition's owners."""

import json
from datetime import UTC, datetime
from math import inf
from types import SimpleNamespace
from typing import Any

from tests.support.handovers import gaps


def a_worker(name: str, *lines: tuple[float, str, int]) -> Any:
    """Return a worker that has logged these: time, event, partition."""
    said = [
        json.dumps({"event": event, "partition": partition, "timestamp": datetime.fromtimestamp(at, UTC).isoformat()})
        for at, event, partition in lines
    ]
    return SimpleNamespace(name=name, said=lambda: "\n".join(said))


def test_a_partition_is_taken_over_when_another_is_given_its_messages() -> None:
    """What nobody was given yet has no end; what others had is no gap."""
    victim = a_worker("one", (1, "partition.delivering", 1), (1, "partition.delivering", 2))
    other = a_worker("two", (1, "partition.delivering", 3), (5.5, "partition.delivering", 1))
    assert gaps([victim, other], victim, 5) == [0.5, inf]


def test_what_the_victim_had_given_up_is_not_waited_for() -> None:
    """The next owner may have logged its first message before, and logs no other first."""
    victim = a_worker(
        "one", (1, "partition.delivering", 1), (3, "partition.delivering", 2), (4, "partition.released", 2)
    )
    other = a_worker("two", (2, "partition.delivering", 2), (5.25, "partition.delivering", 1))
    assert gaps([victim, other], victim, 5) == [0.25]


def test_what_the_victim_was_given_back_is_its_own() -> None:
    """It gave the partition up before, not since."""
    victim = a_worker(
        "one", (1, "partition.delivering", 1), (2, "partition.released", 1), (4, "partition.delivering", 1)
    )
    other = a_worker("two", (3, "partition.delivering", 1))
    assert gaps([victim, other], victim, 5) == [inf]
