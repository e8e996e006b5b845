"""The body of an answer, read piece by piece."""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import aiohttp

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.api.answers import JsonObject, decode, json_answer, may_be_json
from wxbus.api.connection import BrokenAnswer
from wxbus.api.connection_pool import NotConnected
from wxbus.api.models import File
from wxbus.errors import WeChatUnavailable

MAX_JSON: Final = 4 * 1024 * 1024
MAX_FILE: Final = 64 * 1024 * 1024
"""Maximum bytes of an answer that is read as a whole; the largest media have 10 MB (protocol reference 9.2)."""
MAX_ERROR: Final = 64 * 1024
"""A JSON object above this size is not an error."""


class Download:
    """A large answer: an async iterator of its bytes, in constant memory.

    `async with` closes the connection if you do not read to the end.

    Raises:
        WeChatUnavailable: While you read: the connection is lost, or WeChat sends nothing for too long.
    """

    def __init__(self, response: aiohttp.ClientResponse, path: str, secrets: Sequence[str]) -> None:
        """`secrets` are masked in errors."""
        self.content_type = response.content_type
        disposition = response.content_disposition
        self.filename = disposition.filename if disposition else None
        """From Content-Disposition; None without it."""
        self.size = response.content_length
        """Bytes as sent; None if WeChat does not state it."""
        self._response = response
        self._path = path
        self._secrets = secrets
        self._pending = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, unless everything was read."""
        self._response.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk, self._pending = self._pending, b""
        chunk = chunk or await self._receive()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def json(self) -> JsonObject:
        """Return the JSON object of the answer, or raise the error in it."""
        return self._parsed(await self.read(MAX_JSON))

    async def file(self) -> File:
        """Return the whole file, or raise the error that WeChat sent in place of it."""
        await self.checked()
        return File(await self.read(MAX_FILE), self.content_type, self.filename)

    async def checked(self) -> Self:
        """Return this download, or raise the error that WeChat sent in place of a file.

        It may have status 200 and the content type of an image (protocol reference 9.2), so the body decides.
        """
        try:
            if self._response.status != 200:
                self._parsed(await self.read(MAX_JSON))
            elif may_be_json((await self._peek(1)).strip() or await self._peek(MAX_ERROR)):
                body = await self._peek(MAX_ERROR + 1)
                found = decode(body) if len(body) <= MAX_ERROR else None
                if found is not None and "errcode" in found:
                    self._parsed(body)
        except BaseException:
            self.close()
            raise
        return self

    async def read(self, limit: int) -> bytes:
        """Return the rest of the answer, and release the connection.

        Raises:
            WeChatUnavailable: The answer exceeds `limit` bytes, or is incomplete.
        """
        try:
            body = await self._peek(limit + 1)
        finally:
            self.close()
        self._pending = b""
        if len(body) > limit:
            raise WeChatUnavailable(f"{self._path}: the response exceeds {limit} bytes")
        return body

    async def _peek(self, size: int) -> bytes:
        """Return the received bytes that were not read yet: at least `size`, or all up to the end of the answer."""
        body = bytearray(self._pending)
        while len(body) < size and (chunk := await self._receive()):
            body += chunk
        self._pending = bytes(body)
        return self._pending

    async def _receive(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (TimeoutError, *HTTP_ERRORS) as exc:
            failure = reason_of(exc)
        self.close()
        raise WeChatUnavailable(f"{self._path}: {failure}")

    def _parsed(self, body: bytes) -> JsonObject:
        return json_answer(self._path, self._response.status, self.content_type, body, self._secrets)


def reason_of(error: BaseException) -> str:
    """Return the reason of a failure without the text of a library's error, which may contain the URL and the token."""
    match error:
        case NotConnected():
            cause = error.__cause__
            if cause is None:
                return str(error)
            return "no connection in time" if isinstance(cause, TimeoutError) else reason_of(cause)
        case TimeoutError():
            return "no response in time"
        case BrokenAnswer():
            return str(error)
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}{': ' + reason if reason else ''}"
