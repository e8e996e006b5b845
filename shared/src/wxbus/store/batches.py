"""Sends the commands of many tasks in batches: commands wait while a batch is in flight, and form the next one.

A batched command needs much less CPU than a round trip of its own, and one connection is enough (decision 0014). This
is the connection's protocol, without streams and tasks between Redis and the callers (decision 0021).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol, TypeAlias

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from wxbus.errors import TRANSPORT_CLOSED

Argument: TypeAlias = str | bytes | int | float

STORE_ERRORS: Final = (
    RedisError,
    hiredis.HiredisError,
    *TRANSPORT_CLOSED,
    AttributeError,  # redis-py uses a connection that it has just dropped: 'NoneType' object has no attribute
)
"""Errors of redis-py for a command without an answer."""
ELSEWHERE: Final = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"})
"""Error codes of a server that cannot answer now; after a failover the address leads to another server."""
INCOMPLETE: Final = object()
"""Returned by the reader while an answer is incomplete."""


class Connection(Protocol):
    """An open connection, whose answers go to the protocol that it was opened for."""

    def write(self, data: bytes, /) -> object:
        """Send bytes."""

    def abort(self) -> object:
        """Close it at once."""


Connect: TypeAlias = Callable[[asyncio.Protocol], Awaitable[Connection]]
"""Opens a connection for a protocol; raises an error of redis-py."""


class _Call:
    """A packed command and the future of its answer."""

    __slots__ = ("answer", "packed")

    def __init__(self, packed: bytes, answer: "asyncio.Future[Any]") -> None:
        self.packed = packed
        self.answer = answer


class _Answers(asyncio.Protocol):
    """Reads the answers of one connection."""

    def __init__(self, answered: Callable[[Any], None], ended: Callable[["_Answers", Exception], None]) -> None:
        self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=ResponseError, notEnoughData=INCOMPLETE)
        self._answered = answered
        self._report = ended
        self.dropped = False
        self.ended = asyncio.Event()
        """The connection is closed."""

    def data_received(self, data: bytes) -> None:
        """Parse answers. Called by the event loop."""
        try:
            self._reader.feed(data)
            while not self.dropped and (answer := self._reader.gets()) is not INCOMPLETE:
                if type(answer) is not hiredis.PushNotification:  # not an answer to a command
                    self._answered(answer)
        except (RedisError, hiredis.HiredisError) as exc:
            self._report(self, exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end. Called by the event loop, also after this side has dropped the connection."""
        self.ended.set()
        self._report(self, RedisConnectionError(str(exc or "Redis closed the connection")))


class Batches:
    """Sends commands to Redis, one batch at a time."""

    def __init__(self, connect: Connect, *, timeout: float) -> None:
        """`timeout` is seconds for the answers to one batch."""
        self._connect = connect
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Call] = []
        self._sent: deque[_Call] = deque()
        """Calls of the batch in flight that have no answer yet."""
        self._scheduled = False
        """The next batch is sent after the callbacks that are ready now."""
        self._connecting: asyncio.Task[None] | None = None
        self._answers: _Answers | None = None
        self._connection: Connection | None = None
        self._elsewhere = False
        """An answer showed that another server must be asked."""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def execute(self, *args: Argument) -> "asyncio.Future[Any]":
        """Return the future of the answer; an error is a result, not raised, because several callers may share it.

        A command whose future is cancelled before its batch is sent is not sent.
        """
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        # Packed here, so that an argument that cannot be encoded fails its caller and not the whole batch.
        call = _Call(hiredis.pack_command(args), loop.create_future())  # type: ignore[arg-type]  # wants a tuple of one
        self._waiting.append(call)
        if not (self._scheduled or self._sent or self._connecting):
            self._schedule(loop)
        return call.answer

    async def aclose(self) -> None:
        """Close the connection; waiting callers get an error."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        answers = self._answers
        self._fail(RedisConnectionError("the connection was closed"))
        if answers is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await answers.ended.wait()
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = True
        loop.call_soon(self._send, loop)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        self._waiting = [call for call in self._waiting if not call.answer.done()]
        if not self._waiting or self._sent or self._connecting:
            return
        if self._connection is None:
            self._connecting = loop.create_task(self._reconnect(loop), name="redis")
            return
        self._sent.extend(self._waiting)
        self._waiting.clear()
        self._deadline = loop.time() + self._timeout
        if self._timer is None:
            self._timer = loop.call_at(self._deadline, self._check_deadline, loop)
        try:
            self._connection.write(b"".join([call.packed for call in self._sent]))
        except TRANSPORT_CLOSED as exc:
            self._fail(exc)

    def _answered(self, answer: Any) -> None:
        if not self._sent:
            raise InvalidResponse("an answer without a command")
        if code_of(answer) in ELSEWHERE:
            self._elsewhere = True
        call = self._sent.popleft()
        if not call.answer.done():
            call.answer.set_result(answer)
        if self._sent:
            return
        if self._elsewhere:
            self._drop()  # the next batch resolves the address again
        if self._waiting and not self._scheduled and self._loop is not None:
            self._schedule(self._loop)  # after the callers that were just answered: their next commands belong to it

    def _check_deadline(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail a batch without answers; one timer serves many batches, because most are answered soon."""
        self._timer = None
        if not self._sent:
            return
        if loop.time() >= self._deadline:
            self._fail(TimeoutError("no answer in time"))
        else:
            self._timer = loop.call_at(self._deadline, self._check_deadline, loop)

    async def _reconnect(self, loop: asyncio.AbstractEventLoop) -> None:
        answers = _Answers(self._answered, self._ended)
        try:
            connection = await self._connect(answers)
        except Exception as exc:
            self._fail(exc)
        else:
            self._answers, self._connection = answers, connection
            self._schedule(loop)
        finally:
            self._connecting = None

    def _ended(self, answers: _Answers, exc: Exception) -> None:
        if answers is self._answers:
            self._fail(exc)

    def _drop(self) -> None:
        connection, answers = self._connection, self._answers
        self._connection = self._answers = None
        self._elsewhere = False
        if answers is not None and connection is not None:
            answers.dropped = True
            connection.abort()

    def _fail(self, exc: Exception) -> None:
        """Drop the connection; waiting calls fail, too: no call may take two time-outs."""
        failed = [*self._sent, *self._waiting]
        self._sent.clear()
        self._waiting.clear()
        for call in failed:
            if not call.answer.done():
                call.answer.set_result(exc)
        self._drop()


def code_of(answer: Any) -> str:
    """Return the code of an error answer, for example READONLY; "" for other answers."""
    if not isinstance(answer, RedisError):
        return ""
    return answer.status_code or str(answer).partition(" ")[0]


def reason_of(exc: BaseException) -> str:
    """Return the text of an error of redis-py, with the code of Redis."""
    if isinstance(exc, (RuntimeError, AttributeError)):  # their texts are about transports
        return "the connection was lost"
    text, code = str(exc) or type(exc).__name__, code_of(exc)
    if code == "ERR":
        return text.removeprefix("ERR ")
    return text if not code or text.startswith(code) else f"{code} {text}"
