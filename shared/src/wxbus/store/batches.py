"""Commands of many tasks, sent together: what is asked for while one batch is under way goes out with the next.

A place in a batch costs a small part of the CPU that a round trip of one's own does, and one connection is enough.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Argument: TypeAlias = str | bytes | int | float


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
        """Return the answer to a command; an error that came in place of one is returned, not raised.

        A caller that is cancelled before its batch is under way has asked nothing.
        """
        # Packed here: what cannot be sent is its caller's error, not that of the whole batch.
        call = _Call(hiredis.pack_command(words))  # type: ignore[arg-type]  # the stub wants a tuple of one
        self._waiting.append(call)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name="redis")
        return await call.answer

    async def aclose(self) -> None:
        """Stop sending; nobody waits any more."""
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
        try:
            answers = await self._answers([call.packed for call in batch])
        except Exception as exc:
            # Those that came meanwhile share the error: they would only wait for the same again.
            batch += self._waiting
            self._waiting.clear()
            answers = [exc] * len(batch)
        for call, answer in zip(batch, answers, strict=True):
            if not call.answer.done():
                call.answer.set_result(answer)

    async def _answers(self, commands: Sequence[bytes]) -> list[Any]:
        connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command(commands)
            async with asyncio.timeout(self._timeout):
                return [await _answer(connection) for _ in commands]
        except TimeoutError as exc:
            raise TimeoutError("no answer in time") from exc
        finally:
            await self._pool.release(connection)


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)  # the batch has a time-out
    except ResponseError as exc:  # to this command alone; any other error loses the connection
        return exc
