"""The peers' stacks: FastAPI with FastStream, Flask with Celery."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from celery import Celery
from faststream.rabbit import QueueType, RabbitBroker, RabbitQueue

from tests.benchmarks.arms import Arm, Message, at_once, document_of, stand_in, web_view
from tests.benchmarks.places import Places
from wxbus_local.servers.ports import free_port

PEERS = "tests.benchmarks.peers"
CELERY = f"{PEERS}.celery_worker"


@asynccontextmanager
async def faststream_stack(places: Places, *, processes: int = 1, web: bool = False) -> AsyncIterator[Arm]:
    """Yield FastAPI, uvicorn and FastStream."""
    name, port = f"{places.namespace}.peer", free_port()
    async with stand_in(places) as (url, http), RabbitBroker(places.amqp_url, logger=None) as broker:
        await broker.start()
        queue = RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True)
        declared = await broker.declare_queue(queue)

        async def publish(message: Message) -> None:
            await broker.publish(document_of(message), queue, persist=True)

        env = _environment(places, url)
        workers = ("--workers", str(processes)) if processes > 1 else ()
        worker = places.service("faststream", "run", f"{PEERS}.faststream_worker:app", *workers, env=env)
        arguments = (f"{PEERS}.fastapi_ingress:app", "--port", str(port), "--no-access-log", "--log-level", "warning")
        view = places.service("uvicorn", *arguments, port=port, env=env) if web else None
        try:
            async with web_view(view):
                yield Arm(places, worker, view, http, lambda messages: at_once(messages, publish))
        finally:
            await declared.delete(if_unused=False, if_empty=False)


@asynccontextmanager
async def celery_stack(places: Places, *, web: bool = False) -> AsyncIterator[Arm]:
    """Yield Flask, gunicorn and Celery with a process for each core."""
    name, port = f"{places.namespace}.peer", free_port()
    app = Celery(broker=places.amqp_url)
    app.conf.update(task_default_queue=name, task_ignore_result=True)

    def publish_all(messages: Sequence[Message]) -> None:
        with app.producer_pool.acquire(block=True) as producer:
            for message in messages:
                app.send_task(f"{CELERY}.handle", [document_of(message)], producer=producer)

    async with stand_in(places) as (url, http):
        env = _environment(places, url)
        arguments = ("--app", CELERY, "worker", "--loglevel", "WARNING")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        worker = places.service("celery", *arguments, *quiet, env=env)
        flask = (f"{PEERS}.flask_ingress:app", "--bind", f"127.0.0.1:{port}", "--log-level", "warning")
        view = places.service("gunicorn", *flask, "--threads", "8", port=port, env=env) if web else None
        try:
            async with web_view(view):
                yield Arm(places, worker, view, http, lambda messages: asyncio.to_thread(publish_all, messages))
        finally:
            with app.connection() as connection:
                connection.default_channel.queue_delete(name)
                connection.default_channel.exchange_delete(name)
            app.close()


def _environment(places: Places, url: str) -> dict[str, str]:
    return {
        "PEER_NAMESPACE": places.namespace,
        "PEER_AMQP_URL": places.amqp_url,
        "PEER_REDIS_URL": places.redis_url,
        "PEER_WECHAT_URL": url,
    }
