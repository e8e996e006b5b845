"""One worker beside Celery's doing the same job on the same servers, their rounds interleaved in one run."""

from contextlib import AsyncExitStack

from tests.benchmarks.arms import Message, celery_worker, our_worker
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result

ROUNDS, MESSAGES, USERS = 3, 3_000, 500


async def measure(places: Places) -> list[Result]:
    """Return rates, CPU and memory of both; the first round, unmeasured, fills connections and caches."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        ours = await enter(our_worker(places))
        celery = await enter(celery_worker(await enter(places.background())))
        rounds = []
        for number in range(ROUNDS + 1):
            messages = [Message(f"o{index % USERS}", f"{number}{index:06}") for index in range(MESSAGES)]
            rounds.append((await ours.work(messages), await celery.work(messages)))
        memory = ours.worker.memory_mib(), celery.worker.memory_mib()
    measured = rounds[1:]
    return [
        Result.of("worker/messages-per-s", "1/s", [mine.rate for mine, _ in measured]),
        Result.of("worker/cpu-us", "us/message", [mine.cpu_us for mine, _ in measured]),
        Result.of("worker/celery-cpu-us", "us/message", [theirs.cpu_us for _, theirs in measured]),
        Result.of("worker/cpu-vs-celery", "ratio", [theirs.cpu_us / mine.cpu_us for mine, theirs in measured]),
        Result.of("worker/memory-mib", "MiB", memory[:1]),
        Result.of("worker/celery-memory-mib", "MiB", memory[1:]),
    ]
