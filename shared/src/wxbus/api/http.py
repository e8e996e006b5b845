"""HTTP session to WeChat's API: an answer becomes a JSON object, a file, or one of two errors.

JSON calls go over connections of our own (`wxbus.api.connection`), files through aiohttp.

URLs contain tokens and secrets (protocol reference 13, trap 10), and aiohttp's errors contain URLs. Therefore no error
of a library leaves this package, not even as the cause of another error.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

import aiohttp
from httptools import HttpParserError, HttpParserUpgrade
from opentelemetry.trace import SpanKind
from yarl import URL

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.api.answers import JsonObject, json_answer
from wxbus.api.connection import BrokenAnswer
from wxbus.api.connection_pool import ConnectionPool, NotConnected
from wxbus.api.download import MAX_JSON, Download, reason_of
from wxbus.api.request import ACCESS_TOKEN, Method, Request
from wxbus.errors import TRANSPORT_CLOSED, WeChatError, WeChatUnavailable, WeChatUnreachable
from wxbus.telemetry import current_traceparent, step

TRANSFER_SECONDS: Final = 60.0
"""Default limit for a request with files, and for a streamed answer."""
NOT_CONNECTED: Final = (NotConnected, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
EXCHANGE_ERRORS: Final = (NotConnected, BrokenAnswer, HttpParserError, HttpParserUpgrade, *TRANSPORT_CLOSED)
HEADS: Final = 64
"""Heads of requests without parameters that are kept: most calls differ only in their bodies."""
JSON_FIELD: Final = b"Content-Type: application/json; charset=utf-8\r\n"
JSON_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}


class ConnectionLost(aiohttp.ClientError):
    """The connection was lost before the answer arrived."""


async def send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET: WeChat may have executed it, and a login code is valid once."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise ConnectionLost from exc


class WeChatHttp:
    """Makes single API calls without retries.

    Every method raises:
        WeChatError: WeChat returned an errcode that is not a success.
        WeChatUnavailable: No connection, timeout, HTTP 5xx, or an invalid response.
    """

    def __init__(self, session: aiohttp.ClientSession, pool: ConnectionPool, base_url: URL, timeout: float) -> None:
        self._session = session
        self._pool = pool
        self._base_url = str(base_url).rstrip("/")
        self._prefix = base_url.raw_path.rstrip("/").encode()
        self._fields = (
            f"Host: {base_url.host_port_subcomponent}\r\nUser-Agent: wxbus\r\nAccept-Encoding: gzip\r\n".encode()
        )
        self._timeout = timeout
        self._usual_head = lru_cache(HEADS)(self._head_with_token)

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, timeout: float = 5.0) -> AsyncIterator["WeChatHttp"]:
        """Yield a client of the API at `base_url`; `timeout` seconds limit one call including its connection."""
        url = URL(base_url)
        tls = ssl.create_default_context() if url.scheme == "https" else None
        pool = ConnectionPool(url, tls, MAX_JSON)
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},  # aiohttp does not notice that a gzip body is cut off
            middlewares=(send_once,),
            connector=aiohttp.TCPConnector(limit=100, ttl_dns_cache=60, ssl=tls or True),
        ) as session:
            try:
                yield cls(session, pool, url, timeout)
            finally:
                pool.close()

    async def get(self, path: str, query: Mapping[str, str]) -> JsonObject:
        """Return the response to a GET request."""
        return await self.json(Request("GET", path, query))

    async def post(self, path: str, body: JsonObject, query: Mapping[str, str] | None = None) -> JsonObject:
        """Return the response to a POST request."""
        return await self.json(Request("POST", path, query or {}, body))

    async def json(self, request: Request, *, token: str | None = None, deadline: float | None = None) -> JsonObject:
        """Send a request, with an access token, and return the JSON object that answers it.

        `deadline` seconds limit the call, by default the timeout of the session, and TRANSFER_SECONDS with files.
        """
        if request.files is not None:
            return await (await self.answer(request, token=token, deadline=deadline)).json()
        with step("api.call", kind=SpanKind.CLIENT, url__path=request.path) as current:
            try:
                return await self._exchange(request, token, deadline or self._timeout)
            except WeChatError as exc:
                current.set(wxbus__errcode=exc.errcode)
                raise

    async def _exchange(self, request: Request, token: str | None, seconds: float) -> JsonObject:
        until = asyncio.get_running_loop().time() + seconds
        try:
            answer = await self._pool.exchange(self._encoded(request, token), until)
        except EXCHANGE_ERRORS as exc:
            failure = reason_of(exc)
            kind = WeChatUnreachable if isinstance(exc, NotConnected) else WeChatUnavailable
        else:
            return json_answer(request.path, answer.status, answer.content_type, answer.body, request.secrets(token))
        # Outside of `except`, so that the error, which may contain bytes of the peer, is not the context of this one.
        raise kind(f"{request.path}: {failure}")

    def _encoded(self, request: Request, token: str | None) -> bytes:
        """Return head and body of a request."""
        if request.params:
            head = self._head_of(request.method, request.path, request.query(token))
        else:
            head = self._usual_head(request.method, request.path, token)
        if traceparent := current_traceparent():
            head += b"traceparent: %b\r\n" % traceparent.encode()
        body = request.content
        return head + (b"\r\n" if body is None else b"%bContent-Length: %d\r\n\r\n%b" % (JSON_FIELD, len(body), body))

    def _head_of(self, method: Method, path: str, query: Mapping[str, str | int]) -> bytes:
        """Return the head of a request without the fields of its body; only the query needs escapes."""
        target = f"{path}?{urlencode(query)}" if query else path
        return b"%b %b%b HTTP/1.1\r\n%b" % (method.encode(), self._prefix, target.encode(), self._fields)

    def _head_with_token(self, method: Method, path: str, token: str | None) -> bytes:
        return self._head_of(method, path, {} if token is None else {ACCESS_TOKEN: token})

    async def answer(
        self, request: Request, *, token: str | None = None, deadline: float | None = None, stream: bool = False
    ) -> Download:
        """Send a request, with an access token, and return the answer; its body is not read yet, and may be an error.

        `deadline` seconds limit the request and all of its answer. By default this is the timeout of the session; with
        files or `stream` it is TRANSFER_SECONDS, and the timeout limits each pause of the answer.
        """
        with step("api.call", kind=SpanKind.CLIENT, url__path=request.path):
            return await self._answer(request, token, deadline, stream=stream)

    async def _answer(self, request: Request, token: str | None, deadline: float | None, *, stream: bool) -> Download:
        total = TRANSFER_SECONDS if stream or request.uploads else self._timeout
        timeout = aiohttp.ClientTimeout(total=deadline or total, sock_read=deadline or self._timeout)
        try:
            response = await self._session.request(
                request.method,
                self._base_url + request.path,
                params=request.query(token),
                data=request.body(),
                headers=_headers(request),
                timeout=timeout,
                allow_redirects=False,  # a redirect would send the token to another host
            )
            return Download(response, request.path, list(request.secrets(token)))
        except (TimeoutError, *HTTP_ERRORS) as exc:
            failure = reason_of(exc)
            kind = WeChatUnreachable if isinstance(exc, NOT_CONNECTED) else WeChatUnavailable
        # Outside of `except`, so that aiohttp's error is not the context of this one.
        for upload in request.uploads:
            if upload.failure is not None:
                raise upload.failure
        raise kind(f"{request.path}: {failure}")


def _headers(request: Request) -> dict[str, str]:
    headers = dict(JSON_HEADERS) if request.content is not None else {}
    if traceparent := current_traceparent():
        headers["traceparent"] = traceparent
    return headers
