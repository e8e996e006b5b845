"""Whether a server answers as what it should be: a listening port alone does not say so."""

import asyncio

import aio_pika
import redis
from aio_pika.exceptions import AMQPError
from yarl import URL

TIMEOUT = 5.0
"""Seconds; a server that others use hard, or that was just started, may take its time."""
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


def amqp(url: str) -> str | None:
    """Return None if RabbitMQ takes a connection and opens its virtual host, else why not. Not within a loop."""
    try:
        # Its own loop and no more: `asyncio.run` would take away the one that the thread may have set (pytest-asyncio).
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(_connect(URL(url)))
    except TimeoutError:
        return f"no answer in {TIMEOUT:.0f} s"
    except EOFError:
        return "what listens there does not speak AMQP"
    except (AMQPError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__
    return None


async def _connect(url: URL) -> None:
    async with asyncio.timeout(TIMEOUT):
        if url.scheme == "amqp":
            # A look before the client comes: it logs every refusal as an error, and a server that starts refuses often.
            reader, writer = await asyncio.open_connection(url.host, url.port or 5672)
            try:
                writer.write(AMQP_HEADER)
                if await reader.readexactly(1) != METHOD_FRAME:
                    raise EOFError
            finally:
                writer.close()
        async with await aio_pika.connect(url):
            pass


def resp(url: str) -> str | None:
    """Return None if Redis answers a PING, else why not."""
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__
    return None
