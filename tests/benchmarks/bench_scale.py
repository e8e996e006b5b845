"""A backlog worked off by one, two and four processes of ours and of FastStream, and the memory of our one."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from tests.benchmarks.arms import Arm, Message, our_stack
from tests.benchmarks.peer_arms import faststream_stack
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

Stack: TypeAlias = Callable[..., AbstractAsyncContextManager[Arm]]

USERS = 1_000
BACKLOGS, FULL_BACKLOGS = (10_000,), (10_000, 200_000)
PROCESSES = (1, 2, 4)
MARKS = (0.1, 0.5, 1.0)
"""Shares of the backlog at which memory is looked at; the rate counts from the first: by then all have their share."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over a backlog saw."""

    rate: float
    """Messages per second."""
    cpu_us: float
    """Per message, of all processes."""
    memory: list[float]
    """MiB when they were ready, and at each mark."""


async def measure(places: Places) -> list[Result]:
    """Return rates by number of processes, how much two do more than one, and the growth of one's memory."""
    results = []
    for backlog in FULL_BACKLOGS if places.full else BACKLOGS:
        size = f"{backlog // 1_000}k"
        runs = {}
        for processes in PROCESSES:
            runs[processes] = run = await _run(places, our_stack, backlog, processes)
            peer = await _run(places, faststream_stack, backlog, processes)
            results += [
                Result.of(f"worker/backlog-{size}-rate-{processes}", "1/s", [run.rate]),
                Result.of(f"worker/backlog-{size}-cpu-us-{processes}", "us/message", [run.cpu_us]),
                Result.of(f"worker/backlog-{size}-faststream-rate-{processes}", "1/s", [peer.rate]),
                Result.of(f"worker/backlog-{size}-faststream-cpu-us-{processes}", "us/message", [peer.cpu_us]),
            ]
        results.append(Result.of(f"worker/scale-2-{size}", "ratio", [runs[2].rate / runs[1].rate]))
        marks = zip(("start", *(f"{mark:.0%}" for mark in MARKS)), runs[1].memory, strict=True)
        results += [Result.of(f"worker/backlog-{size}-memory-mib-{mark}", "MiB", [memory]) for mark, memory in marks]
    return results


async def _run(
    places: Places, stack: Callable[..., AbstractAsyncContextManager[Arm]], backlog: int, processes: int
) -> Run:
    messages = [Message(f"o{number % USERS}", f"{number}") for number in range(backlog)]
    async with places.background() as own, stack(own, processes=processes) as arm:
        await arm.publish(messages)
        async with arm.running() as worker:
            memory = [worker.memory_mib()]
            moments, cpu = [], []
            for mark in MARKS:
                await arm.answered(round(backlog * mark))
                moments.append(time.perf_counter())
                cpu.append(worker.cpu_seconds())
                memory.append(worker.memory_mib())
    measured = round(backlog * (MARKS[-1] - MARKS[0]))
    return Run(measured / (moments[-1] - moments[0]), (cpu[-1] - cpu[0]) / measured * 1e6, memory)
