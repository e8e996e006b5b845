"""What a user who floods, and many users whose handlers wait, cost the other users of the same partition."""

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import count, islice

from tests.benchmarks.arms import Arm, Message, alternating, our_stack
from tests.benchmarks.callbacks import APPID
from tests.benchmarks.load import percentile
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

ROUNDS, CROWDED_ROUNDS, SECONDS, RATE, OTHERS = 11, 9, 4, 100, 100
"""Rounds, those beside handlers that wait, their seconds, messages a second of the other users, and their number."""
FLOOD, FLOOD_SECONDS = 1_000, 2
WAITING, WAITING_SECONDS = 500, 10
STARTED = 2.0
"""Seconds after which their handlers wait."""


async def measure(places: Places) -> list[Result]:
    """Return the others' p99 with nothing else, beside a flood, and beside handlers that wait."""
    others, waiting = _users(places, "other", OTHERS), _users(places, "waiting", WAITING)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        arms = [await enter(our_stack(await enter(places.background()), app="sleeping")) for _ in range(3)]
        for arm in arms:
            await enter(arm.running())
            await _p99(arm, others)  # fills connections and caches
        quiet, flooded, crowded = arms
        await flooded.publish([Message("flooder", f"f{one}", f"sleep {FLOOD_SECONDS}") for one in range(FLOOD)])
        ends = 0.0

        async def run(arm: Arm, number: int) -> float:
            nonlocal ends
            if arm is crowded:
                await asyncio.sleep(ends - time.monotonic())  # until no handler waits
                ends = time.monotonic() + WAITING_SECONDS + STARTED
                await arm.publish([Message(one, f"w{number}", f"sleep {WAITING_SECONDS}") for one in waiting])
                await asyncio.sleep(STARTED)
            return await _p99(arm, others)

        floods = [await alternating((quiet, flooded), number, run) for number in range(ROUNDS)]
        crowds = [await alternating((quiet, crowded), number, run) for number in range(CROWDED_ROUNDS)]
    return [
        Result.of("worker/quiet-p99-ms", "ms", [calm * 1e3 for calm, _ in (*floods, *crowds)]),
        Result.of("worker/flood-p99-ms", "ms", [beside * 1e3 for _, beside in floods]),
        Result.of("worker/waiting-p99-ms", "ms", [beside * 1e3 for _, beside in crowds]),
        Result.of("worker/flood-p99", "ratio", [beside / calm for calm, beside in floods]),
        Result.of("worker/waiting-p99", "ratio", [beside / calm for calm, beside in crowds]),
    ]


def _users(places: Places, name: str, many: int) -> list[str]:
    """Return users of the partition of the user `flooder`."""
    topology = places.topology
    partition = topology.partition_of(f"{APPID}:flooder")
    users = (f"{name}{number}" for number in count())
    return list(islice((user for user in users if topology.partition_of(f"{APPID}:{user}") == partition), many))


async def _p99(arm: Arm, users: list[str]) -> float:
    """Return the 99th percentile of the seconds from when a message was due until its reply was at WeChat."""
    number, started = RATE * SECONDS, time.monotonic()
    arm.sent += number
    async with asyncio.TaskGroup() as tasks:
        for one in range(number):
            await asyncio.sleep(started + one / RATE - time.monotonic())
            message = Message(users[one % len(users)], f"{started}{one}", f"#{one}")
            tasks.create_task(arm.publish([message]))
    await arm.answered(arm.sent)
    arrivals = await arm.arrivals()
    return percentile([arrivals[f"{one}"] - started - one / RATE for one in range(number)], 0.99)
