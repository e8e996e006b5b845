"""A handled message leaves nothing to the garbage collector."""

import asyncio
import gc

from tests.support.lanes import a_delivery
from tests.support.worker import Rig
from wxbus_worker import Context, Router, TextMessage, reply
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes

MESSAGES = 200


async def test_a_handled_message_is_in_no_cycle() -> None:
    """Its job, context and replies end with it: collecting them was an eighth of the worker's CPU."""
    router = Router()
    done = asyncio.Semaphore(0)

    @router.text
    async def echo(message: TextMessage, context: Context) -> reply.Text:
        context.storage["count"] = context.storage.get("count", 0) + 1
        return reply.Text(message.content)

    rig = Rig(router)

    async def work(job: Job) -> None:
        await rig.pipeline(job)
        done.release()

    async def handle(first: int) -> None:
        for number in range(first, first + MESSAGES):
            lanes.deliver(a_delivery(f"o_{number % 10}", number))
        for _ in range(MESSAGES):
            await done.acquire()
        await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(work, concurrency=10, tasks=tasks)
        await handle(0)  # fills caches
        gc.collect()
        gc.disable()
        try:
            await handle(MESSAGES)
            found = gc.collect()
        finally:
            gc.enable()

    assert len(rig.wechat.texts) == 2 * MESSAGES
    assert found < MESSAGES
