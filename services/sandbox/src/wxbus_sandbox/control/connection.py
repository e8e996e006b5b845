"""The connection to the control API."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import aiohttp
from pydantic import BaseModel

from wxbus.errors import WxbusError

Query: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]


class SandboxFailure(WxbusError):
    """The sandbox does not answer, or rejects a request."""


class ControlConnection:
    """Calls the control API.

    All methods raise `SandboxFailure` if the sandbox does not answer or rejects the request.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url.rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, connect_within: float = 15.0) -> AsyncIterator[Self]:
        """Yield a client of the sandbox at `url`; `connect_within` seconds limit each connection, not the answers."""
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_within)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield cls(session, url)

    async def _post(self, path: str, body: BaseModel) -> bytes:
        return await self._call("POST", path, body=body.model_dump_json().encode())

    async def _call(self, method: str, path: str, *, query: Query | None = None, body: bytes | None = None) -> bytes:
        async with self._request(method, path, query=query, body=body) as response:
            return await response.read()

    async def _lines(
        self, method: str, path: str, *, query: Query | None = None, body: bytes | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield the lines of an answer as they come."""
        async with self._request(method, path, query=query, body=body) as response:
            pending = b""
            async for chunk in response.content.iter_any():
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield line

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, *, query: Query | None, body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(method, self.url + path, params=query, data=body) as response:
                if response.status != 200:
                    raise SandboxFailure(_error_text(path, response.status, await response.read()))
                yield response
        except (aiohttp.ClientError, OSError) as exc:  # also TimeoutError
            raise SandboxFailure(f"the sandbox at {self.url} does not answer: {exc}") from exc


def _error_text(path: str, status: int, content: bytes) -> str:
    """Return the text of an error response."""
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{path}: {status} {content.decode('utf-8', 'replace')}"
