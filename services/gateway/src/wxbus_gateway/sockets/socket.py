"""One WebSocket: takes the client's messages in order, and sends the user's pushes from the last position on."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import structlog
from aiohttp import WSMessage, WSMsgType, web

from wxbus.errors import BrokerUnavailable, StoreUnavailable
from wxbus.sockets.presence import Connection
from wxbus.sockets.pushes import PAGE, Position, PushLog
from wxbus_gateway.sockets import protocol
from wxbus_gateway.sockets.intake import SocketIntake
from wxbus_gateway.sockets.pace import Pace
from wxbus_gateway.sockets.protocol import BadFrame, CloseCode

WRITE_TIMEOUT: Final = 10.0
"""Seconds in which the client must accept a frame."""
CLOSE_TIMEOUT: Final = 2.0

log = structlog.stdlib.get_logger("wxbus.gateway")


class Socket:
    """A socket of a user that is open."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        connection: Connection,
        login: str,
        intake: SocketIntake,
        pushes: PushLog,
        pace: Pace,
    ) -> None:
        """`login` is that of the session, see `Session.login`."""
        self.connection = connection
        self.login = login
        self._ws = ws
        self._intake = intake
        self._pushes = pushes
        self._pace = pace
        self._news = asyncio.Event()
        self._end: asyncio.Future[tuple[CloseCode, str]] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """Let the socket read new pushes."""
        self._news.set()

    def close(self, code: CloseCode, text: str = "") -> None:
        """End the socket with a reason; `run` returns soon."""
        if not self._end.done():
            self._end.set_result((code, text))

    async def ask_to_reconnect(self, after: float) -> None:
        """Ask the client to connect again after these seconds, and end the socket then."""
        with suppress(_Closed):
            await self._send(protocol.reconnect(after))
            await asyncio.wait([self._end], timeout=after)
            self.close(CloseCode.RESTARTING)

    async def run(self, position: Position) -> None:
        """Serve until the client leaves or the socket is closed; the client gets the pushes after `position`."""
        tasks: list[asyncio.Future[Any]] = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write(position)),
        ]
        try:
            await asyncio.wait([*tasks, self._end], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception) and not isinstance(failure, _Closed):
                log.error("gateway.socket_failed", exc_info=failure)
                self.close(CloseCode.TRY_LATER)
        if self._end.done():
            code, text = self._end.result()
            # In this task, and not while another one reads: aiohttp would not wait for the client's answer.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._ws.close(code=code, message=text.encode()[:120])

    async def _read(self) -> None:
        """Take the client's messages one after another: the next one is read after the one before is on disk."""
        try:
            async for frame in self._ws:
                await self._take(frame)
        except BadFrame as exc:
            self.close(CloseCode.BAD_FRAME, str(exc))
        except BrokerUnavailable:
            # The client repeats everything unacknowledged in order, on a new connection.
            self.close(CloseCode.TRY_LATER, "the message is not stored")

    async def _take(self, frame: WSMessage) -> None:
        if frame.type is not WSMsgType.TEXT:
            raise BadFrame("only text frames")
        message = protocol.parse(frame.data)
        if isinstance(message, float):
            await self._send(protocol.pong(message))
        else:
            # Meanwhile nothing is read: TCP slows the client down, and nothing is lost.
            await self._pace.until_allowed(self.connection.appid, self.connection.openid)
            await self._intake.message(self.connection, message)
            await self._send(protocol.ack(message.id))

    async def _write(self, position: Position) -> None:
        """Send the pushes after a position, then new ones as they come."""
        appid, openid = self.connection.appid, self.connection.openid
        try:
            greeted = False
            while True:
                self._news.clear()
                page = await self._pushes.read(appid, openid, position)
                if page.missed or not greeted:
                    await self._send(protocol.hello(position if page.pushes else page.position, missed=page.missed))
                    greeted = True
                for push_position, body in page.pushes:
                    await self._send(protocol.push(push_position, body))
                position = page.position
                if len(page.pushes) < PAGE:
                    await self._news.wait()
        except StoreUnavailable:
            self.close(CloseCode.TRY_LATER, "pushes cannot be read")

    async def _send(self, frame: str) -> None:
        if self._ws.closed:
            raise _Closed
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                await self._ws.send_str(frame)
        except TimeoutError:
            log.info("gateway.slow_client", connection=self.connection.id)
            self.close(CloseCode.TOO_SLOW)
            raise _Closed from None
        except (ConnectionError, RuntimeError) as exc:
            raise _Closed from exc


class _Closed(Exception):
    """The socket is closed."""
