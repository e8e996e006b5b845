"""A request of the public port as its handlers see it, however it was parsed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy


class Request(Protocol):
    """The part of a request that handlers use."""

    first_byte: float
    """The event loop's time of its first byte."""

    @property
    def method(self) -> str:
        """Return its method."""

    @property
    def path(self) -> str:
        """Return its path, unescaped."""

    @property
    def raw_query(self) -> str:
        """Return its query, with escapes."""

    @property
    def query(self) -> Mapping[str, str]:
        """Return the parameters of its query."""

    @property
    def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]:
        """Return its header fields."""

    @property
    def remote(self) -> str | None:
        """Return the address of its sender, or of the proxy before ingress."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """Return its transport; None after the connection is lost."""

    @property
    def content_length(self) -> int | None:
        """Return the `Content-Length`; None: the body is chunked."""

    def arrived(self) -> bytes | None:
        """Return the body if it has arrived, None otherwise."""

    async def receive(self) -> bytes:
        """Return the body once it has arrived; sends `100 Continue` first if the sender waits for it."""

    def count_body(self, size: int) -> None:
        """Count `size` bytes for the body from now on; raises Overloaded if the limit is exceeded."""

    async def write(self, response: web.StreamResponse) -> bool:
        """Write the response; return whether the connection was open until its end."""


App: TypeAlias = Callable[[Request], Awaitable[web.StreamResponse]]
"""Answers a request; never raises."""
