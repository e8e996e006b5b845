"""The connection to the control API."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
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
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Yield a client of the sandbox at `url`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=5)) as session:
            yield cls(session, url)

    async def _post(self, path: str, body: BaseModel) -> bytes:
        return await self._call("POST", path, body=body.model_dump_json().encode())

    async def _call(self, method: str, path: str, *, query: Query | None = None, body: bytes | None = None) -> bytes:
        try:
            async with self._session.request(method, self.url + path, params=query, data=body) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as exc:  # also TimeoutError
            raise SandboxFailure(f"the sandbox at {self.url} does not answer: {exc}") from exc
        if response.status != 200:
            raise SandboxFailure(_error_text(path, response.status, content))
        return content


def _error_text(path: str, status: int, content: bytes) -> str:
    """Return the text of an error response."""
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{path}: {status} {content.decode('utf-8', 'replace')}"
