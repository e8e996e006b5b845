"""Connections to Redis that redis-py opens, with its addresses, passwords and TLS, and then leaves to another protocol.

redis-py's reading and writing takes three times the CPU of our own protocol at low load (decision 0021). This
module has all undocumented parts of redis-py that wxbus uses; `tests/integration/store/test_connection.py` checks them.
"""

import asyncio

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class Connection:
    """An open connection; closed when it is aborted."""

    def __init__(self, transport: asyncio.WriteTransport, opened: AbstractConnection) -> None:
        self._transport = transport
        self._opened = opened
        self.write = transport.write

    def abort(self) -> None:
        """Close the connection at once, without sending buffered data."""
        self._transport.abort()
        self._opened._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - see the module


async def connect(redis: Redis, protocol: asyncio.Protocol) -> Connection:
    """Return a new connection, after redis-py's greetings; its answers go to `protocol`.

    Raises:
        RedisError: It cannot be opened, or Redis refuses the password or the database.
    """
    opened: AbstractConnection = redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        await opened.connect()  # type: ignore[no-untyped-call]
    except BaseException:
        opened._close()  # type: ignore[no-untyped-call]  # noqa: SLF001 - see the module
        raise
    writer = opened._writer  # noqa: SLF001 - see the module
    if writer is None:
        raise RedisConnectionError("the connection was lost")
    transport = writer.transport
    transport.set_protocol(protocol)
    return Connection(transport, opened)
