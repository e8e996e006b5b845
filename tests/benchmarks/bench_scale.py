"""A backlog worked off by one, two and four processes, and the memory of the one while it is."""

import time
from dataclasses import dataclass

from tests.benchmarks.arms import Message, our_worker
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

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
        runs = {}
        for processes in PROCESSES:
            async with places.background() as own:
                runs[processes] = await _run(own, backlog, processes)
        size = f"{backlog // 1_000}k"
        for processes, run in runs.items():
            results += [
                Result.of(f"worker/backlog-{size}-rate-{processes}", "1/s", [run.rate]),
                Result.of(f"worker/backlog-{size}-cpu-us-{processes}", "us/message", [run.cpu_us]),
            ]
        results.append(Result.of(f"worker/scale-2-{size}", "ratio", [runs[2].rate / runs[1].rate]))
        marks = zip(("start", *(f"{mark:.0%}" for mark in MARKS)), runs[1].memory, strict=True)
        results += [Result.of(f"worker/backlog-{size}-memory-mib-{mark}", "MiB", [memory]) for mark, memory in marks]
    return results


async def _run(places: Places, backlog: int, processes: int) -> Run:
    messages = [Message(f"o{number % USERS}", f"{number}") for number in range(backlog)]
    async with our_worker(places, processes=processes, backlog=messages) as arm:
        memory = [arm.worker.memory_mib()]
        moments, cpu = [], []
        for mark in MARKS:
            await arm.answered(round(backlog * mark))
            moments.append(time.perf_counter())
            cpu.append(arm.worker.cpu_seconds())
            memory.append(arm.worker.memory_mib())
    measured = round(backlog * (MARKS[-1] - MARKS[0]))
    return Run(measured / (moments[-1] - moments[0]), (cpu[-1] - cpu[0]) / measured * 1e6, memory)
