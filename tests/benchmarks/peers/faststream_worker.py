"""A worker with FastStream, redis-py and aiohttp: the job of `tests.benchmarks.handlers`.

Written as the guides of these libraries advise, with what saves CPU where there is a choice. Run it with
`python -m faststream run tests.benchmarks.peers.faststream_worker:app`, which uses uvloop.
"""

import os
import time

import aiohttp
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from redis.asyncio import Redis

from tests.benchmarks.peers import job

PREFETCH = 64
"""Messages in work at once."""

# A logger would log two lines for each message.
broker = RabbitBroker(os.environ["PEER_AMQP_URL"], default_channel=Channel(prefetch_count=PREFETCH), logger=None)
app = FastStream(broker)


class Clients:
    """The clients of this process."""

    redis: Redis
    http: aiohttp.ClientSession


class Token:
    """The access token of this process, until it expires."""

    value = ""
    expires = 0.0

    @classmethod
    async def get(cls) -> str:
        """Return it."""
        if time.monotonic() >= cls.expires:
            async with Clients.http.post(job.TOKEN_URL, json={}) as answer:
                found = await answer.json()
            cls.value, cls.expires = found["access_token"], time.monotonic() + found["expires_in"] - job.MARGIN
        return cls.value


@app.on_startup
async def connect() -> None:
    """Open the clients."""
    Clients.redis = Redis.from_url(os.environ["PEER_REDIS_URL"])
    Clients.http = aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=job.TIMEOUT)
    )


@app.after_shutdown
async def disconnect() -> None:
    """Close the clients."""
    await Clients.http.close()
    await Clients.redis.aclose()


@broker.subscriber(
    RabbitQueue(job.QUEUE, queue_type=QueueType.QUORUM, durable=True),
    ack_policy=AckPolicy.NACK_ON_ERROR,  # the default drops a message that fails
)
async def handle(message: dict[str, str]) -> None:
    """Handle one callback, decrypted and parsed: one change of the context, one reply."""
    marker, key = job.keys(message)
    # One round trip for both; not a transaction, which the job does not need.
    both = Clients.redis.pipeline(transaction=False)
    both.set(marker, 1, nx=True, ex=job.MARKER_TTL)
    both.get(key)
    new, stored = await both.execute()
    if not new:
        return
    await Clients.redis.set(key, job.changed(stored, message), ex=job.CONTEXT_TTL)
    params = {"access_token": await Token.get()}
    async with Clients.http.post(
        job.SEND_URL, params=params, data=job.reply_to(message), headers=job.HEADERS
    ) as answer:
        answer.raise_for_status()
        job.check(await answer.json())
