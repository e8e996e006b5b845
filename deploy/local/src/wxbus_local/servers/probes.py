"""Checks that a server answers in its own protocol: an open port may belong to another program."""

import asyncio
import socket
from typing import Final, Protocol

import aio_pika
import redis
from aio_pika.exceptions import AMQPError
from yarl import URL

TIMEOUT: Final = 5.0
"""Seconds: a busy server, or one that has just started, is slow."""
AMQP_HEADER: Final = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME: Final = b"\x01"


class Probe(Protocol):
    """Checks the server at an address."""

    def __call__(self, url: str, *, timeout: float = TIMEOUT) -> str | None:
        """Return None if the server answers, else the reason."""


def tcp_connect(port: int) -> str | None:
    """Return None if a program listens on this port of 127.0.0.1, else the reason."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    except OSError as exc:
        return str(exc)
    return None


def redis_ping(url: str, *, timeout: float = TIMEOUT) -> str | None:
    """Return None if Redis answers a PING, else the reason."""
    try:
        with redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__
    return None


def amqp_connect(url: str, *, timeout: float = TIMEOUT) -> str | None:
    """Return None if RabbitMQ accepts a connection to its virtual host, else the reason. Not for coroutines."""
    try:
        # `asyncio.run` would remove the loop that pytest-asyncio has set for this thread.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(_connect(URL(url), timeout))
    except TimeoutError:
        return f"no answer in {timeout:.0f} s"
    except EOFError:
        return "the program that listens there does not speak AMQP"
    except (AMQPError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__
    return None


async def _connect(url: URL, timeout: float) -> None:
    async with asyncio.timeout(timeout):
        if url.scheme == "amqp":
            # aio-pika logs each refused connection as an error, and a starting server refuses many.
            reader, writer = await asyncio.open_connection(url.host, url.port or 5672)
            try:
                writer.write(AMQP_HEADER)
                if await reader.readexactly(1) != METHOD_FRAME:
                    raise EOFError
            finally:
                writer.close()
        async with await aio_pika.connect(url):
            pass
