"""The client side of the HTTP transport: one connection pool to one address."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc.codec.compression import GZIP
from wxbus.rpc.transports.port import ANSWER_LIMIT, Incoming, Outgoing
from wxbus.telemetry import current_traceparent

CONNECT_TIMEOUT: Final = 2.0
CONNECTIONS: Final = 100


class HttpTransport:
    """Implements `wxbus.rpc.transports.port.Transport`."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        parts = urlsplit(base_url)
        self._address = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, base_url: str, api_key: str, *, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator["HttpTransport"]:
        """Yield a transport; it connects when first used. Without a key the certificate in `tls` identifies the caller.

        Raises:
            ConfigurationError: `base_url` is not an http(s) address.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ConfigurationError("the address of an RPC service must look like http://token:8081 or amqp://broker")
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=tls or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        ) as session:
            yield cls(session, base_url)

    async def send(self, call: Outgoing, *, timeout: float) -> Incoming:  # noqa: ARG002 - the caller cancels
        """Return the answer, or raise RpcUnavailable."""
        headers = {"Content-Type": call.content_type, "Accept": call.content_type, "Accept-Encoding": GZIP}
        if call.content_encoding is not None:
            headers["Content-Encoding"] = call.content_encoding
        if traceparent := current_traceparent():
            headers["traceparent"] = traceparent
        try:
            async with self._session.post(
                f"{self._base_url}/rpc/{call.service}/{call.method}",
                data=call.body,
                headers=headers,
                allow_redirects=False,  # the key is for this service only
            ) as response:
                return Incoming(response.status, response.content_type, await _read(response), response.headers)
        except HTTP_ERRORS as exc:
            lost = RpcUnavailable(f"{call}: no answer from {self._address}: {type(exc).__name__}")
        # Outside of `except`: some errors of aiohttp contain the request's headers, and so the key.
        raise lost


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():  # decompressed
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise RpcFailure(502, "Unreadable answer", detail=f"the limit is {ANSWER_LIMIT} bytes")
    return bytes(body)
