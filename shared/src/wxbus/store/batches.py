"""Sends the commands of many tasks in batches: commands wait while a batch is in flight, and form the next one.

A batched command needs much less CPU than a round trip of its own, and one connection is enough (decision 0014).
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from wxbus.aio.cancellation import Cancellation
from wxbus.errors import TRANSPORT_CLOSED

Argument: TypeAlias = str | bytes | int | float

STORE_ERRORS: Final = (
    RedisError,
    hiredis.HiredisError,
    *TRANSPORT_CLOSED,
    AttributeError,  # redis-py uses a connection that it has just dropped: 'NoneType' object has no attribute
)
"""Errors of redis-py that mean no answer."""
ELSEWHERE: Final = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"})
"""Error codes of a server that cannot answer now; after a failover the address leads to another server."""


class _Call:
    """A packed command and the future of its answer."""

    __slots__ = ("answer", "packed")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class Batches:
    """Sends commands to Redis, one batch at a time."""

    def __init__(self, redis: "Redis", *, timeout: float) -> None:
        """`timeout` is seconds for the answers to one batch."""
        self._pool = redis.connection_pool
        self._timeout = timeout
        self._waiting: list[_Call] = []
        self._sending: asyncio.Task[None] | None = None

    async def ask(self, *words: Argument) -> Any:
        """Return the answer to a command; an error is returned, not raised, because several callers may share it.

        A command whose caller is cancelled before its batch is sent is not sent.
        """
        # Packed here, so that an argument that cannot be encoded fails its caller and not the whole batch.
        call = _Call(hiredis.pack_command(words))  # type: ignore[arg-type]  # the stub wants a tuple of one
        self._waiting.append(call)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name="redis")
        return await call.answer

    async def aclose(self) -> None:
        """Stop sending; waiting callers get an error."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})

    async def _send(self) -> None:
        try:
            while self._waiting:
                await self._exchange()
        finally:
            self._sending = None

    async def _exchange(self) -> None:
        batch = [call for call in self._waiting if not call.answer.done()]
        self._waiting.clear()
        cancellation = Cancellation()
        try:
            answers = await self._answers([call.packed for call in batch])
        except Exception as exc:
            answers = self._failed(batch, exc)
        except asyncio.CancelledError as exc:
            given_up = RedisConnectionError("the connection was closed")
            given_up.__cause__ = exc
            answers = self._failed(batch, given_up)
        for call, answer in zip(batch, answers, strict=True):
            if not call.answer.done():
                call.answer.set_result(answer)
        if cancellation.came:
            raise asyncio.CancelledError

    def _failed(self, batch: list[_Call], exc: Exception) -> list[Any]:
        """Return the answers of a failed batch; calls that came meanwhile join it, because they would fail as well."""
        batch += self._waiting
        self._waiting.clear()
        return [exc] * len(batch)

    async def _answers(self, commands: Sequence[bytes]) -> list[Any]:
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command(commands)
            async with asyncio.timeout(self._timeout):
                answers = [await _answer(connection) for _ in commands]
            if any(code_of(answer) in ELSEWHERE for answer in answers):
                await connection.disconnect(nowait=True)  # the next batch resolves the address again
        except TimeoutError as exc:
            raise TimeoutError("no answer in time") from exc
        else:
            return answers
        finally:
            await self._pool.release(connection)


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
    return text if not code or code == "ERR" or text.startswith(code) else f"{code} {text}"


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)  # the batch has a time-out
    except ResponseError as exc:  # of this command alone; other errors lose the connection
        return exc
