"""Callbacks at steady loads through a whole stack: how long until the reply is at WeChat, and what the worker takes."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.benchmarks.arms import Arm, alternating, our_stack
from tests.benchmarks.callbacks import USERS, callback
from tests.benchmarks.load import apply_at, percentile
from tests.benchmarks.peer_arms import faststream_stack
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

GENTLE, SECONDS, ROUNDS = 200, 4.0, 10
"""Callbacks a second."""
OTHERS, OTHER_SECONDS, OTHER_ROUNDS = (50, 400, 600), 3.0, 2
"""For the picture of latency against load."""
CONNECTIONS = 32
NAMES = ("", "faststream-")


@dataclass(frozen=True, slots=True)
class Run:
    """What one load found."""

    p50_ms: float
    p99_ms: float
    """From when a callback was due until its reply was at WeChat."""
    cpu_us: float
    """Of the worker, per message."""


async def measure(places: Places) -> list[Result]:
    """Return latencies of both stacks at each load, and the worker's CPU at the gentle one."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ours = await enter(our_stack(places, web=True))
        theirs = await enter(faststream_stack(await enter(places.background()), web=True))
        await enter(ours.running())
        await enter(theirs.running())
        arms = (ours, theirs)
        await _rounds(arms, GENTLE, OTHER_SECONDS, 1)  # fills connections and caches
        gentle = await _rounds(arms, GENTLE, SECONDS, ROUNDS)
        others = {load: await _rounds(arms, load, OTHER_SECONDS, OTHER_ROUNDS) for load in OTHERS}
    results = [
        Result.of("e2e/p50-vs-faststream", "ratio", [mine.p50_ms / peer.p50_ms for mine, peer in gentle]),
        Result.of("e2e/p99-vs-faststream", "ratio", [mine.p99_ms / peer.p99_ms for mine, peer in gentle]),
        Result.of("worker/gentle-cpu-us", "us/message", [mine.cpu_us for mine, _ in gentle]),
        Result.of("worker/gentle-faststream-cpu-us", "us/message", [peer.cpu_us for _, peer in gentle]),
        Result.of("worker/gentle-cpu-vs-faststream", "ratio", [mine.cpu_us / peer.cpu_us for mine, peer in gentle]),
    ]
    for load, rounds in sorted({GENTLE: gentle, **others}.items()):
        for index, name in enumerate(NAMES):
            results += [
                Result.of(f"e2e/{name}p50-ms-{load}", "ms", [one[index].p50_ms for one in rounds]),
                Result.of(f"e2e/{name}p99-ms-{load}", "ms", [one[index].p99_ms for one in rounds]),
            ]
    return results


async def _rounds(arms: Sequence[Arm], load: int, seconds: float, rounds: int) -> list[list[Run]]:
    async def run(arm: Arm, _number: int) -> Run:
        return await _run(arm, load, round(load * seconds))

    return [await alternating(arms, number, run) for number in range(rounds)]


async def _run(arm: Arm, load: int, count: int) -> Run:
    requests = [callback(f"o{number % USERS}", f"#{number}") for number in range(count)]
    before = arm.worker.cpu_seconds()
    outcome = await apply_at(arm.web_port, requests, rate=load, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {count} callbacks were refused")
    arm.sent += count
    await arm.answered(arm.sent)
    cpu = arm.worker.cpu_seconds() - before
    arrivals = await arm.arrivals()
    latencies = [(arrivals[str(number)] - outcome.started - number / load) * 1000 for number in range(count)]
    return Run(percentile(latencies, 0.5), percentile(latencies, 0.99), cpu / count * 1e6)
