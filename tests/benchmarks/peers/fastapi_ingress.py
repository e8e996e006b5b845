"""A web view with FastAPI, wechatpy and FastStream's publisher: the job of ingress, without its spool.

Run it with `python -m uvicorn tests.benchmarks.peers.fastapi_ingress:app`, which uses uvloop and httptools.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from faststream.rabbit import QueueType, RabbitBroker, RabbitQueue

from tests.benchmarks.peers import job
from tests.benchmarks.peers.callback import opened

broker = RabbitBroker(os.environ["PEER_AMQP_URL"], logger=None)
queue = RabbitQueue(job.QUEUE, queue_type=QueueType.QUORUM, durable=True)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with broker:
        await broker.start()
        await broker.declare_queue(queue)
        yield


app = FastAPI(lifespan=_lifespan)


@app.post("/wechat/{account}")
async def callback(request: Request) -> PlainTextResponse:
    """Accept a callback: it is in the queue, confirmed, before the answer."""
    message = opened(await request.body(), request.query_params)
    await broker.publish(message, queue, persist=True)
    return PlainTextResponse("success")
