"""Which worker was given which partition's messages, and when: as the workers say it in their logs."""

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from statistics import median
from typing import Any

from tests.support.processes import Service

LOOK = 0.1
"""Seconds between two looks into the logs; it takes no part in what is measured."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The first message of a partition that a worker was given over a subscription."""

    at: float
    """Seconds since the epoch."""
    partition: int
    worker: str


def events(worker: Service, name: str) -> Iterator[tuple[float, Mapping[str, Any]]]:
    """Yield time and fields of all log lines of one event."""
    for line in worker.said().splitlines():
        if line.startswith("{") and f'"{name}"' in line and line.endswith("}"):
            fields = json.loads(line)
            yield datetime.fromisoformat(fields["timestamp"]).timestamp(), fields


def taken(workers: Iterable[Service]) -> list[Taken]:
    """Return all of it, in the order of time."""
    return sorted(
        (
            Taken(at, fields["partition"], worker.name)
            for worker in workers
            for at, fields in events(worker, "partition.delivering")
        ),
        key=lambda one: one.at,
    )


def gaps(workers: Collection[Service], victim: Service, since: float) -> list[float]:
    """Return the seconds from `since` until another was given messages of each partition that was the victim's.

    One that the victim had given up is not, whether or not the next owner was given a message of it before `since`.
    """
    owners: dict[int, Taken] = {}
    heirs: dict[int, float] = {}
    for one in taken(workers):
        if one.at < since:
            owners[one.partition] = one
        elif one.worker != victim.name:
            heirs.setdefault(one.partition, one.at - since)
    released = {fields["partition"]: at for at, fields in events(victim, "partition.released")}
    return [
        heirs.get(partition, inf)
        for partition, last in owners.items()
        if last.worker == victim.name and not last.at <= released.get(partition, 0) < since
    ]


async def taken_over(workers: Collection[Service], victim: Service, since: float) -> list[float]:
    """Return the gaps once there are no more."""
    while True:
        found = gaps(workers, victim, since)
        assert found, f"{victim.name} had no partition"
        if inf not in found:
            return found
        await asyncio.sleep(LOOK)


async def disconnected(victim: Service, by: Service) -> None:
    """Return once one has said that it closed the other's connection, which may be after that has had its effect."""
    while not any(f":{victim.pid}:" in fields["member"] for _, fields in events(by, "member.disconnected")):  # noqa: ASYNC110
        await asyncio.sleep(LOOK)


def share_time(joined: Service, since: float) -> float:
    """Return the seconds from its connecting until it was given the last partition of its share."""
    began = min(at for at, _ in events(joined, "consumer.subscribed") if at >= since)
    return max(one.at for one in taken([joined])) - began


def figures(seconds: Collection[float]) -> str:
    """Return how many there are, their median and the longest."""
    return f"{len(seconds)} of them, median {median(seconds):.2f} s, longest {max(seconds):.2f} s"
