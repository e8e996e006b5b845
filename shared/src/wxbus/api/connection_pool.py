"""Kept-alive connections to one host for small calls."""

import asyncio
import socket
import ssl
from collections import deque
from typing import Final

from aiohappyeyeballs import start_connection
from yarl import URL

from wxbus.api.connection import Connection, HttpResponse
from wxbus.errors import TRANSPORT_CLOSED

MAX_CONNECTIONS: Final = 256
"""Further calls wait; a worker may handle 2,000 messages at once. With answers after 0.1 s: 2,560 calls a second."""
KEEPALIVE: Final = 15.0
"""Seconds after which an unused connection is not used again: the server may be about to close it."""
NEXT_ADDRESS: Final = 0.25
"""Seconds after which the next address of the host is tried as well (RFC 8305)."""


class NotConnected(Exception):
    """There was no connection, so nothing was sent; `__cause__` is the reason, else the text."""


class ConnectionPool:
    """Carries each request over an unused connection, or a new one; nothing is sent twice."""

    def __init__(self, url: URL, tls: ssl.SSLContext | None, max_body: int) -> None:
        """`url` names host and port; `max_body` bytes limit an answer."""
        self._host, self._port = url.raw_host or "", url.port or 0
        self._tls = tls
        self._max_body = max_body
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._unused: deque[tuple[Connection, float]] = deque()
        """Each with the loop's time of its last answer; the oldest first."""

    async def exchange(self, request: bytes, deadline: float) -> HttpResponse:
        """Return the answer to a request, see `Connection.exchange`.

        Raises:
            NotConnected: Nothing was sent: connecting failed, or took longer than the deadline.
        """
        if self._slots.locked():
            await self._wait_for_slot(deadline)
        else:
            await self._slots.acquire()  # at once
        try:
            connection = self._take_unused() or await self._connect(deadline)
            answer = await connection.exchange(request, deadline)
            if connection.usable:
                self._unused.append((connection, asyncio.get_running_loop().time()))
            return answer
        finally:
            self._slots.release()

    def close(self) -> None:
        """Close the unused connections."""
        while self._unused:
            self._unused.pop()[0].close()

    async def _wait_for_slot(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise NotConnected(f"all {MAX_CONNECTIONS} connections are in use") from None

    def _take_unused(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - KEEPALIVE
        while self._unused:
            connection, since = self._unused.pop()
            if connection.usable and since > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                connected = await start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS, interleave=1, loop=loop)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                name = self._host if self._tls else None
                _, connection = await loop.create_connection(
                    lambda: Connection(self._max_body), sock=connected, ssl=self._tls, server_hostname=name
                )
        except TRANSPORT_CLOSED as exc:  # TimeoutError included
            raise NotConnected from exc
        return connection
