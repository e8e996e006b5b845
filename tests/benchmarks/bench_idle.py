"""CPU of services that have nothing to do: a worker, FastStream's, a token service with 1,000 accounts."""

import asyncio
from contextlib import AsyncExitStack

from tests.benchmarks.arms import our_stack, stand_in
from tests.benchmarks.peer_arms import faststream_stack
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.benchmarks.token_service import fetch_all_us, token_service
from tests.support.processes import Service

WINDOWS, SECONDS = 5, 24.0
ACCOUNTS = 1_000


async def measure(places: Places) -> list[Result]:
    """Return the share of a core that each takes, measured at the same time, and what fetching the tokens took."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ours = await enter(our_stack(places))
        peer = await enter(faststream_stack(await enter(places.background())))
        url, _ = await enter(stand_in(places))
        token = await enter(token_service(places, url, [f"wxmany{number:06}" for number in range(ACCOUNTS)]))
        services = [await enter(ours.running()), await enter(peer.running()), token.service]
        fetch_us = await fetch_all_us(token)
        windows = [await _window(services) for _ in range(WINDOWS)]
        memory = token.service.memory_mib()
    worker, faststream, tokens = zip(*windows, strict=True)
    return [
        Result.of("worker/idle-cpu", "% of a core", worker),
        Result.of("worker/faststream-idle-cpu", "% of a core", faststream),
        Result.of("token/idle-1000-cpu", "% of a core", tokens),
        Result.of("token/1000-accounts-memory-mib", "MiB", [memory]),
        Result.of("token/fetch-cpu-us", "us/fetch", [fetch_us]),
    ]


async def _window(services: list[Service]) -> list[float]:
    before = [service.cpu_seconds() for service in services]
    await asyncio.sleep(SECONDS)
    used = [service.cpu_seconds() - then for service, then in zip(services, before, strict=True)]
    return [round(seconds / SECONDS * 100, 3) for seconds in used]  # else 0.03 s are more than 0.3 %
