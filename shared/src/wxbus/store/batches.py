"""Commands of many tasks, sent together: what is asked for while one batch is under way goes out with the next.

A place in a batch costs a small part of the CPU that a round trip of one's own does, and one connection is enough.
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
    AttributeError,  # redis-py goes on with a connection that it has just dropped: 'NoneType' object has no attribute
)
"""What redis-py raises if there is no answer."""
ELSEWHERE: Final = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"})
"""Codes of errors that say: not this server, or not now. Its address may lead to another one by now."""


class _Call:
    """One command, and the answer to it once there is one."""

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
        """Return the answer to a command; an error is returned, not raised: several callers may share it.

        A caller that is cancelled before its batch is under way has asked nothing.
        """
        # Packed here: what cannot be sent is its caller's error, not that of the whole batch.
        call = _Call(hiredis.pack_command(words))  # type: ignore[arg-type]  # the stub wants a tuple of one
        self._waiting.append(call)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name="redis")
        return await call.answer

    async def aclose(self) -> None:
        """Stop sending; whoever still waits is told that there is no answer."""
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
            given_up = RedisConnectionError("the connection was given up")
            given_up.__cause__ = exc
            answers = self._failed(batch, given_up)
        for call, answer in zip(batch, answers, strict=True):
            if not call.answer.done():
                call.answer.set_result(answer)
        if cancellation.came:
            raise asyncio.CancelledError

    def _failed(self, batch: list[_Call], exc: Exception) -> list[Any]:
        """Return the answers to a batch that failed, and to the calls that came meanwhile: they would fail as well."""
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
                await connection.disconnect(nowait=True)  # the next batch connects anew, to where the address leads
        except TimeoutError as exc:
            raise TimeoutError("no answer in time") from exc
        else:
            return answers
        finally:
            await self._pool.release(connection)


def code_of(answer: Any) -> str:
    """Return the code of an error that Redis answered with, like READONLY; "" for anything else."""
    if not isinstance(answer, RedisError):
        return ""
    return answer.status_code or str(answer).partition(" ")[0]


def reason_of(exc: BaseException) -> str:
    """Return what an error of redis-py says, with the code that Redis gave it."""
    if isinstance(exc, (RuntimeError, AttributeError)):  # their texts show transports, not reasons
        return "the connection was lost"
    text, code = str(exc) or type(exc).__name__, code_of(exc)
    return text if not code or code == "ERR" or text.startswith(code) else f"{code} {text}"


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)  # the batch has a time-out
    except ResponseError as exc:  # to this command alone; any other error loses the connection
        return exc
