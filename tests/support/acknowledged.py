"""Compares the callbacks that ingress acknowledged with those in RabbitMQ."""

import asyncio
from collections.abc import Iterable
from typing import TypeAlias

from tests.support.callers import Calls
from tests.support.queues import read_inbox
from wxbus.bus.envelope import Envelope
from wxbus.bus.topology import Topology
from wxbus.wechat.documents.codec import document_from_json

DRAIN_TIMEOUT = 90.0
"""Seconds for the spool to be drained."""

POLL_INTERVAL = 0.2
"""Seconds between two reads of the inbox."""

Key: TypeAlias = tuple[str, int]
"""User and number of a message."""


def key_of(envelope: Envelope) -> Key:
    """Return the user and number of a callback."""
    document = document_from_json(envelope.body)
    return str(document["FromUserName"]), int(str(document["Content"]))


async def read(url: str, topology: Topology, calls: Calls, *, before: Iterable[Key] = ()) -> list[Key]:
    """Return the callbacks in the inbox, after those in `before`; waits until all acknowledged ones arrive."""
    found = list(before)
    try:
        async with asyncio.timeout(DRAIN_TIMEOUT):
            while True:
                found += [key_of(envelope) for envelope in await read_inbox(url, topology)]
                if set(calls.acked) <= set(found):
                    break
                await asyncio.sleep(POLL_INTERVAL)
    except TimeoutError:
        print(f"acknowledged callbacks are missing after {DRAIN_TIMEOUT:.0f} s")
    return found


def check_acknowledged(calls: Calls, found: Iterable[Key]) -> None:
    """Assert that all acknowledged callbacks were found, in the order of each user's acknowledgements."""
    first: dict[Key, int] = {}
    copies = 0
    for place, key in enumerate(found):
        copies += key in first
        first.setdefault(key, place)
    print(f"answers: {dict(calls.answers)}, slowest {calls.slowest:.2f} s; found {len(first)} and {copies} copies")
    assert calls.others == []
    assert [key for key in calls.acked if key not in first] == []
    places: dict[str, list[int]] = {}
    for key in calls.acked:
        places.setdefault(key[0], []).append(first[key])
    assert [user for user, order in places.items() if order != sorted(order)] == []
