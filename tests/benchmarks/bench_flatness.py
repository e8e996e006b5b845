"""What a message costs when few users have contexts and when very many have: two workers, their rounds interleaved."""

import asyncio
from contextlib import AsyncExitStack

from redis.asyncio import Redis

from tests.benchmarks.arms import TEXT, Arm, Message, alternating, document_of, our_stack
from tests.benchmarks.callbacks import APPID
from tests.benchmarks.handlers import RECORDS, small
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from wxbus.store.store import Store
from wxbus.wechat import reply
from wxbus_worker.context.context import Context
from wxbus_worker.context.records import record
from wxbus_worker.store.ports import ContextKey, Opened
from wxbus_worker.store.redis import RedisContextStore

FEW = 1_000
MANY, FULL_MANY = 50_000, 1_000_000
ROUNDS, MESSAGES = 8, 2_000
AT_ONCE = 500
"""Contexts made at once."""


async def measure(places: Places) -> list[Result]:
    """Return the cost with many users beside that with few, and what a context takes of Redis."""
    many = FULL_MANY if places.full else MANY
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        other = await enter(places.background())
        await _make_contexts(places, FEW)
        before = await _memory(places)
        await _make_contexts(other, many)
        taken = (await _memory(places) - before) / many
        arms = []
        for users, where in ((FEW, places), (many, other)):
            arm = await enter(our_stack(where, app="small"))
            await enter(arm.running())
            arms.append((users, arm))
        rounds = [await alternating(arms, number, _round) for number in range(ROUNDS + 1)]
    measured = rounds[1:]  # the first fills connections and caches
    return [
        Result.of(f"worker/cpu-us-{FEW}-users", "us/message", [few for few, _ in measured]),
        Result.of(f"worker/cpu-us-{many}-users", "us/message", [much for _, much in measured]),
        Result.of("worker/cost-flatness", "ratio", [much / few for few, much in measured]),
        Result.of("worker/context-bytes", "B", [taken]),
    ]


async def _round(arm: tuple[int, Arm], number: int) -> float:
    """Return the CPU of the worker and of Redis per message; those who write are as many, spread over all users."""
    users, stack = arm
    step = users // FEW
    messages = [Message(f"o{index % FEW * step}", f"{number}{index:06}") for index in range(MESSAGES)]
    found = await stack.work(messages)
    return found.cpu_us + found.redis_us


async def _make_contexts(places: Places, users: int) -> None:
    """Give each user the context of a conversation that has gone on for a while."""
    policy = small.context_policy
    async with Store.open(places.redis_url, answer_timeout=30.0) as store:
        contexts = RedisContextStore(store, namespace=places.namespace, policy=policy)
        left = iter(range(users))

        async def some() -> None:
            for number in left:
                openid = f"o{number}"
                context: Context = Context(APPID, openid, policy)
                for earlier in range(RECORDS):
                    said = document_of(Message(openid, f"{earlier}"))
                    record(context, said, [reply.Text(TEXT)], received_at=1_700_000_000.0)
                key = ContextKey.of_user(APPID, openid)
                await contexts.commit(
                    key, f"earlier{number}", Opened(0, context, duplicate=False), (), attempt_id="bench"
                )

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(some())


async def _memory(places: Places) -> int:
    """Return the bytes that Redis uses."""
    async with Redis.from_url(places.redis_url) as redis:
        return int((await redis.info("memory"))["used_memory"])
