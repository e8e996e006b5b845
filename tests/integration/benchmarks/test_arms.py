"""A comparison says something only if both sides do the job."""

import json
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.benchmarks.arms import TEXT, Arm, Message, our_stack
from tests.benchmarks.callbacks import APPID
from tests.benchmarks.peer_arms import celery_stack, faststream_stack
from tests.benchmarks.places import Places
from tests.support.stores import open_store
from wxbus.wechat import TextMessage, reply
from wxbus_local.servers.launcher import Launcher
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration

MESSAGES = [Message(f"o{number}", f"1{number:03}") for number in range(200)]
"""Many, because the system counts CPU in steps of 10 ms."""


async def worked_twice(arm: Arm) -> None:
    """Have each message handled, then pushed again, then one more of each user."""
    await arm.work(MESSAGES)
    await arm.publish(MESSAGES)
    more = [Message(message.openid, f"2{message.msg_id}") for message in MESSAGES]
    measured = await arm.work(more)  # would end too early if a copy were answered
    assert measured.rate > 0
    assert measured.cpu_us > 0


async def test_all_workers_do_the_job(launcher: Launcher, amqp_url: str, redis_url: str, tmp_path: Path) -> None:
    """Ours and the peers change each context once per message, keep what was said, and answer no copy."""
    places = Places(launcher.run, tmp_path, amqp_url, redis_url)
    async with places.background() as own, our_stack(own) as arm, arm.running():
        await worked_twice(arm)
        async with open_store(redis_url) as store:
            contexts = RedisContextStore(store, namespace=own.namespace, policy=ContextPolicy())
            for message in MESSAGES:
                context = await contexts.get(APPID, message.openid)
                assert context is not None
                assert context.storage == {"count": 2}
                assert [one.content for one in context.requests if isinstance(one, TextMessage)] == [TEXT, TEXT]
                assert context.responses == [reply.Text(TEXT)] * 2

    for peer in (celery_stack, faststream_stack):
        async with (
            places.background() as own,
            peer(own) as arm,
            arm.running(),
            Redis.from_url(redis_url) as redis,
        ):
            await worked_twice(arm)
            for message in MESSAGES:
                stored = await redis.get(f"{own.namespace}:context:{message.openid}")
                assert stored is not None
                kept = json.loads(stored)
                assert kept["storage"] == {"count": 2}
                assert [one["Content"] for one in kept["requests"]] == [TEXT, TEXT]
                assert kept["responses"] == [{"kind": "text", "content": TEXT}] * 2


async def test_a_worker_that_ended_is_not_waited_for(
    launcher: Launcher, amqp_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Once one ended for a taken port, and the benchmark waited for its answers for ever."""
    places = Places(launcher.run, tmp_path, amqp_url, redis_url)
    async with places.background() as own, our_stack(own) as arm, arm.running():
        await arm.worker.kill()
        with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="wxbus_worker ended with -9")):
            await arm.answered(1)
