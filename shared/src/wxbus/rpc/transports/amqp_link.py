"""One connection to RabbitMQ with one channel, made again whenever it is lost: both ends of AMQP calls stand on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, cast

import structlog
from aiormq import Channel
from aiormq.abc import AbstractConnection

from wxbus.aio.backoff import Backoff
from wxbus.bus.connection import address, connected
from wxbus.errors import BrokerUnavailable, WxbusError

log = structlog.stdlib.get_logger("wxbus.rpc")


class End(Protocol):
    """What lives on a link: the caller's or the service's end."""

    async def prepare(self, connection: AbstractConnection, channel: Channel) -> None:
        """Declare and consume on a new channel, before anybody else uses it."""

    def lost(self) -> None:
        """The channel is gone, and with it everything that was under way on it."""


class Link:
    """Keeps the channel of one end; publishes are not confirmed: a call's answer is its confirm."""

    def __init__(self, url: str, end: End, *, name: str) -> None:
        """Use `open`, which also keeps the connection."""
        self._url = address(url, name=name)
        self._end = end
        self._session: tuple[AbstractConnection, Channel] | None = None
        self._over: asyncio.Future[None] | None = None
        self._usable = asyncio.Event()
        self._reason = "not connected yet"

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, end: End, *, name: str) -> AsyncIterator["Link"]:
        """Yield a link; it connects by itself, now and after every loss, so the broker may come later than we.

        Raises:
            ConfigurationError: `url` is no AMQP address.
        """
        link = cls(url, end, name=name)
        supervisor = asyncio.create_task(link._supervise(), name=name)
        try:
            yield link
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    async def session(self) -> tuple[AbstractConnection, Channel]:
        """Return connection and channel, as soon as there are any."""
        while self._session is None:
            await self._usable.wait()
        return self._session

    def current(self) -> Channel:
        """Return the channel, or raise BrokerUnavailable if there is none just now."""
        if self._session is None:
            raise BrokerUnavailable(f"RabbitMQ: {self._reason}")
        return self._session[1]

    def end_session(self) -> None:
        """Start over with a new connection."""
        self._session = None
        self._usable.clear()
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    async def _supervise(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._keep(backoff)
                self._reason = "the connection was lost"
            except WxbusError as exc:
                self._reason = str(exc)
            except Exception:  # the supervisor must outlive every surprise of the client library
                log.exception("rpc.link_failed")
                self._reason = "the connection failed in an unknown way, see the log"
            delay = backoff.delay()
            log.warning("rpc.link_lost", reason=self._reason, connecting_in=round(delay, 3))
            await asyncio.sleep(delay)

    async def _keep(self, backoff: Backoff) -> None:
        async with connected(self._url) as connection:
            channel = cast("Channel", await connection.channel(publisher_confirms=False))
            over = self._over = asyncio.get_running_loop().create_future()
            channel.closing.add_done_callback(lambda _: self.end_session())
            # A deleted queue cancels its consumer and leaves the channel open.
            channel.on_consumer_cancel_callbacks.add(lambda _: self.end_session())
            try:
                await self._end.prepare(connection, channel)
                if not over.done():
                    self._session = (connection, channel)
                    self._usable.set()
                    backoff.reset()
                    log.info("rpc.linked")
                await over
            finally:
                self._over = None
                self.end_session()
                self._end.lost()
