"""A server that greets clients of Redis and answers every command with one error, which may be hard to cause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import hiredis

GREETINGS = {b"PING": b"+PONG\r\n", b"HELLO": b"%1\r\n+proto\r\n:3\r\n", b"CLIENT": b"+OK\r\n", b"SELECT": b"+OK\r\n"}
"""Answers to what a client says before and beside commands."""


class RefusingRedis:
    """What a test may look at."""

    def __init__(self, error: str) -> None:
        self._error = f"-{error}\r\n".encode()
        self.connections = 0
        self.url = ""
        self._open: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its end."""
        self.connections += 1
        if task := asyncio.current_task():
            self._open.append(task)
        with suppress(ConnectionError):
            await self._answer(reader, writer)
        writer.close()

    async def until_closed(self) -> None:
        """Return when the clients have closed their connections."""
        await asyncio.gather(*self._open)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = hiredis.Reader()
        while data := await reader.read(65_536):
            parser.feed(data)
            while (words := parser.gets()) is not False:
                writer.write(GREETINGS.get(words[0], self._error))


@asynccontextmanager
async def refusing_redis(error: str) -> AsyncIterator[RefusingRedis]:
    """Yield a server that answers with `error`, like `READONLY You can't write`."""
    redis = RefusingRedis(error)
    async with await asyncio.start_server(redis.serve, "127.0.0.1", 0) as server:
        redis.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        yield redis
        await redis.until_closed()
