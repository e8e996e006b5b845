"""A backlog worked off by one worker of each stack on the same servers, their rounds interleaved in one run."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from tests.benchmarks.arms import Arm, Message, Round, alternating, our_stack
from tests.benchmarks.peer_arms import celery_stack, faststream_stack
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

ROUNDS, MESSAGES, USERS = 8, 2_000, 500
UNMEASURED = 0.25
"""Share of a backlog that fills connections and caches."""


async def measure(places: Places) -> list[Result]:
    """Return rates, CPU and memory of all three."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ours = await enter(our_stack(places))
        faststream = await enter(faststream_stack(await enter(places.background())))
        celery = await enter(celery_stack(await enter(places.background())))
        rounds = [await alternating((ours, faststream, celery), number, _round) for number in range(ROUNDS)]

    def figures(of: Callable[[Round], float], arm: int) -> list[float]:
        return [of(one[arm]) for one in rounds]

    def ratios(of: Callable[[Round], float], arm: int) -> list[float]:
        return [of(one[0]) / of(one[arm]) for one in rounds]

    return [
        Result.of("worker/messages-per-s", "1/s", figures(lambda found: found.rate, 0)),
        Result.of("worker/faststream-messages-per-s", "1/s", figures(lambda found: found.rate, 1)),
        Result.of("worker/celery-messages-per-s", "1/s", figures(lambda found: found.rate, 2)),
        Result.of("worker/cpu-us", "us/message", figures(lambda found: found.cpu_us, 0)),
        Result.of("worker/faststream-cpu-us", "us/message", figures(lambda found: found.cpu_us, 1)),
        Result.of("worker/celery-cpu-us", "us/message", figures(lambda found: found.cpu_us, 2)),
        Result.of("worker/cpu-vs-faststream", "ratio", ratios(lambda found: found.cpu_us, 1)),
        Result.of("worker/cpu-vs-celery", "ratio", ratios(lambda found: found.cpu_us, 2)),
        Result.of("worker/memory-mib", "MiB", figures(lambda found: found.memory_mib, 0)),
        Result.of("worker/faststream-memory-mib", "MiB", figures(lambda found: found.memory_mib, 1)),
        Result.of("worker/celery-memory-mib", "MiB", figures(lambda found: found.memory_mib, 2)),
        Result.of("worker/redis-us", "us/message", figures(lambda found: found.redis_us, 0)),
        Result.of("worker/faststream-redis-us", "us/message", figures(lambda found: found.redis_us, 1)),
        Result.of("worker/celery-redis-us", "us/message", figures(lambda found: found.redis_us, 2)),
        Result.of("worker/redis-trips", "1/message", figures(lambda found: found.redis_trips, 0)),
        Result.of("worker/faststream-redis-trips", "1/message", figures(lambda found: found.redis_trips, 1)),
        Result.of("worker/redis-scripts", "1/message", figures(lambda found: found.redis_scripts, 0)),
        Result.of("worker/redis-cpu-vs-faststream", "ratio", ratios(lambda found: found.redis_us, 1)),
    ]


async def _round(arm: Arm, number: int) -> Round:
    messages = [Message(f"o{index % USERS}", f"{number}{index:06}") for index in range(MESSAGES)]
    return await arm.work_off(messages, unmeasured=UNMEASURED)
