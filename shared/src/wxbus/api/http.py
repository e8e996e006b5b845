"""HTTP session to WeChat's API: an answer becomes a JSON object, a file, or one of two errors.

URLs contain tokens and secrets (protocol reference 13, trap 10), and aiohttp's errors contain URLs. Therefore no error
of aiohttp leaves this package, not even as the cause of another error.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from wxbus.aio.http_errors import HTTP_ERRORS
from wxbus.api.answers import JsonObject
from wxbus.api.download import Download, reason_of
from wxbus.api.request import Request
from wxbus.errors import WeChatUnavailable, WeChatUnreachable

TRANSFER_SECONDS: Final = 60.0
"""Default limit for a request with files, and for a streamed answer."""
NOT_CONNECTED: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
JSON_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}


class ConnectionLost(aiohttp.ClientError):
    """The connection was lost before the answer came."""


async def send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET: WeChat may have done it, and a login code is valid once."""
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

    def __init__(self, session: aiohttp.ClientSession, base_url: str, timeout: float) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    @classmethod
    @asynccontextmanager
    async def open(cls, base_url: str, timeout: float = 5.0) -> AsyncIterator["WeChatHttp"]:
        """Yield a client of the API at `base_url`; `timeout` seconds limit one call including its connection."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(send_once,),
            connector=aiohttp.TCPConnector(limit=100, ttl_dns_cache=60),
        ) as session:
            yield cls(session, base_url, timeout)

    async def get(self, path: str, query: Mapping[str, str]) -> JsonObject:
        """Return the response to a GET request."""
        return await (await self.answer(Request("GET", path, query))).json()

    async def post(self, path: str, body: JsonObject, query: Mapping[str, str] | None = None) -> JsonObject:
        """Return the response to a POST request."""
        return await (await self.answer(Request("POST", path, query or {}, body))).json()

    async def answer(
        self, request: Request, *, token: str | None = None, deadline: float | None = None, stream: bool = False
    ) -> Download:
        """Send a request, with an access token, and return the answer; its body is not read yet, and may be an error.

        `deadline` seconds limit the request and all of its answer. By default this is the timeout of the session; with
        files or `stream` it is TRANSFER_SECONDS, and the timeout limits each pause of the answer.
        """
        total = TRANSFER_SECONDS if stream or request.uploads else self._timeout
        timeout = aiohttp.ClientTimeout(total=deadline or total, sock_read=deadline or self._timeout)
        try:
            response = await self._session.request(
                request.method,
                self._base_url + request.path,
                params=request.query(token),
                data=request.body(),
                headers=JSON_HEADERS if request.content is not None else None,
                timeout=timeout,
                allow_redirects=False,  # a redirect would send the token to another host
            )
            return Download(response, request.path, request.secrets(token))
        except (TimeoutError, *HTTP_ERRORS) as exc:
            failure = reason_of(exc)
            kind = WeChatUnreachable if isinstance(exc, NOT_CONNECTED) else WeChatUnavailable
        # Outside of `except`, so that aiohttp's error is not the context of this one.
        for upload in request.uploads:
            if upload.failure is not None:
                raise upload.failure
        raise kind(f"{request.path}: {failure}")
