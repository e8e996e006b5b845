"""How long partitions take to move between workers, measured by the workers' logs."""

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from statistics import median
from typing import Any

import aiohttp

from tests.support.processes import Service

POLL_INTERVAL = 0.1
"""Seconds between two reads of the logs; it does not affect the measurement."""


@dataclass(frozen=True, slots=True)
class FirstDelivery:
    """The first delivery of a partition that a worker got over a subscription."""

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


def first_deliveries(workers: Iterable[Service]) -> list[FirstDelivery]:
    """Return the first deliveries of all workers in the order of time."""
    return sorted(
        (
            FirstDelivery(at, fields["partition"], worker.name)
            for worker in workers
            for at, fields in events(worker, "partition.delivering")
        ),
        key=lambda delivery: delivery.at,
    )


def takeover_times(workers: Collection[Service], victim: Service, since: float) -> list[float]:
    """Return the seconds from `since` until another worker got a delivery of each partition of the victim.

    Partitions that the victim had released before `since` are omitted.
    """
    owners: dict[int, FirstDelivery] = {}
    successors: dict[int, float] = {}
    for delivery in first_deliveries(workers):
        if delivery.at < since:
            owners[delivery.partition] = delivery
        elif delivery.worker != victim.name:
            successors.setdefault(delivery.partition, delivery.at - since)
    released = {fields["partition"]: at for at, fields in events(victim, "partition.released")}
    return [
        successors.get(partition, inf)
        for partition, last in owners.items()
        if last.worker == victim.name and not last.at <= released.get(partition, 0) < since
    ]


async def until_taken_over(workers: Collection[Service], victim: Service, since: float) -> list[float]:
    """Return the takeover times once all partitions of the victim are taken over."""
    while True:
        found = takeover_times(workers, victim, since)
        assert found, f"{victim.name} had no partition"
        if inf not in found:
            return found
        await asyncio.sleep(POLL_INTERVAL)


async def until_disconnected(victim: Service, by: Service) -> None:
    """Return once a worker has logged that it closed the victim's connection."""
    while not any(f":{victim.pid}:" in fields["member"] for _, fields in events(by, "member.disconnected")):  # noqa: ASYNC110
        await asyncio.sleep(POLL_INTERVAL)


async def until_listed(management_url: str, *workers: Service) -> None:
    """Return once RabbitMQ's management API, which lists a connection up to 5 s late, lists the consuming ones."""
    headers = {"Authorization": aiohttp.encode_basic_auth("guest", "guest")}
    missing = {f":{worker.pid}:" for worker in workers}
    async with aiohttp.ClientSession(headers=headers) as http:
        while missing:
            async with http.get(f"{management_url}/api/connections") as answer:
                names = [str(one.get("user_provided_name")) for one in await answer.json()]
            consuming = [name for name in names if name.endswith(":consume")]
            missing = {mark for mark in missing if not any(mark in name for name in consuming)}
            await asyncio.sleep(POLL_INTERVAL)


def share_time(joined: Service, since: float) -> float:
    """Return the seconds from a worker's subscription until it got the last partition of its share."""
    began = min(at for at, _ in events(joined, "consumer.subscribed") if at >= since)
    return max(delivery.at for delivery in first_deliveries([joined])) - began


def figures(seconds: Collection[float]) -> str:
    """Return count, median and maximum as text."""
    return f"{len(seconds)} of them, median {median(seconds):.2f} s, longest {max(seconds):.2f} s"
