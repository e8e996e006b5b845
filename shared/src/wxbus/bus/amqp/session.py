"""One connection to RabbitMQ that is replaced after each loss: under publisher, consumer and both ends of RPC."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import monotonic
from typing import Generic, TypeVar

import structlog
from aio_pika.abc import AbstractConnection

from wxbus.aio.background import background
from wxbus.aio.backoff import Backoff
from wxbus.aio.ticks import until_tick
from wxbus.aio.waiting import wait_any
from wxbus.bus.amqp.connection import HEARTBEAT, address, connected
from wxbus.errors import BrokerUnavailable, ConfigurationError, WxbusError

TICK = 1.0
"""Seconds between comparisons of the clock, which detect that the process was suspended."""

S = TypeVar("S")

log = structlog.stdlib.get_logger(__name__)


class Session(Generic[S]):
    """Connects, sets the connection up, and starts over after each loss: nothing is restored in part.

    `state` is the value that the set-up yields, for example an open channel; None while there is no connection.
    """

    def __init__(
        self,
        url: str,
        set_up: Callable[[AbstractConnection], AbstractAsyncContextManager[S]],
        *,
        name: str,
        fail_on_configuration: bool = False,
    ) -> None:
        """Connect as `name`; `set_up` declares and consumes, and cleans up when the connection ends.

        With `fail_on_configuration`, a ConfigurationError of the set-up ends `run`; otherwise it is retried.

        Raises:
            ConfigurationError: `url` is not an AMQP address.
        """
        self._url = address(url, name=name)
        self._name = name
        self._set_up = set_up
        self._fail_on_configuration = fail_on_configuration
        self.state: S | None = None
        self.available = asyncio.Event()
        """Set while there is a state."""
        self.allowed = asyncio.Event()
        """Clear it to prevent new connections."""
        self.allowed.set()
        self.stopping = asyncio.Event()
        """Set it to prevent new connections; `run` then returns when the current connection ends."""
        self.connections = 0
        """Number of connections so far."""
        self._ended: asyncio.Future[str] | None = None
        self._reason = "not connected yet"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the connection while the block runs; RabbitMQ may start later."""
        async with background(self.run()):
            yield

    async def run(self) -> None:
        """Keep the connection until `stopping` is set.

        Raises:
            ConfigurationError: See `fail_on_configuration`.
        """
        backoff = Backoff()
        while await self._may_connect():
            try:
                self._reason = await self._connect(backoff)
            except WxbusError as exc:
                if self._fail_on_configuration and isinstance(exc, ConfigurationError):
                    raise
                self._reason = str(exc)
            except Exception:  # an unexpected error of the client library must not end the service
                log.exception("rabbitmq.session_failed", connection=self._name)
                self._reason = "the connection failed with an unexpected error, see the log"
            if not self.stopping.is_set():
                delay = backoff.delay()
                log.warning(
                    "rabbitmq.disconnected", connection=self._name, reason=self._reason, connecting_in=round(delay, 3)
                )
                await wait_any(self.stopping, within=delay)

    async def ready(self) -> S:
        """Return the state as soon as there is one."""
        while self.state is None:
            await self.available.wait()
        return self.state

    def current(self) -> S:
        """Return the state, or raise BrokerUnavailable if there is no connection."""
        if self.state is None:
            raise BrokerUnavailable(f"RabbitMQ: {self._reason}")
        return self.state

    def end(self, reason: str) -> None:
        """End the current connection, if there is one."""
        if self._ended is not None and not self._ended.done():
            self._withdraw()
            self._ended.set_result(reason)

    async def _may_connect(self) -> bool:
        await wait_any(self.allowed, self.stopping)
        return not self.stopping.is_set()

    async def _connect(self, backoff: Backoff) -> str:
        """Keep one connection; return the reason of its end."""
        async with connected(self._url) as connection:
            ended = self._ended = asyncio.get_running_loop().create_future()
            try:
                async with self._set_up(connection) as state:
                    if not ended.done():
                        self.state = state
                        self.connections += 1
                        self.available.set()
                        backoff.reset()
                        log.info("rabbitmq.connected", connection=self._name)
                    try:
                        return await wait_for_end(ended)
                    finally:
                        self._withdraw()
            finally:
                self._ended = None

    def _withdraw(self) -> None:
        self.state = None
        self.available.clear()


async def wait_for_end(
    ended: asyncio.Future[str], *, clock: Callable[[], float] = monotonic, tick: float = TICK
) -> str:
    """Return the reason of the end; a suspended process has lost its connection, even if it has not noticed yet."""
    while not ended.done():
        before = clock()
        await asyncio.wait({ended}, timeout=until_tick(tick))
        if clock() - before > 1.5 * tick + HEARTBEAT:
            return "the process was suspended for longer than the heartbeat"
    return ended.result()
