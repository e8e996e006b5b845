"""A server in place of WeChat's API that gives the answers of a test, and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.sandbox import serving
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.limits import ApiLimits

PATH = "/cgi-bin/some/endpoint"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
INVALID = b'{"errcode":40001,"errmsg":"invalid credential"}'
MEGABYTE = 1024 * 1024


@dataclass
class Server:
    """Gives the answers in turn, the last one for ever, and keeps the requests."""

    answers: list[Callable[[web.Request], Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is counting:
            return await counting(request)
        self.requests.append((request.method, request.path, dict(request.query), await request.read()))
        found = answer(request)
        response: web.StreamResponse = await found if asyncio.iscoroutine(found) else found
        return response

    async def get(self, appid: str) -> str:
        """Return the token."""
        return f"token-of-{appid}-{len(self.reports)}"

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return another token."""
        self.reports.append(token)
        return await self.get(appid)

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""
        self.sleeps.append(seconds)


def body(content: bytes, content_type: str = "application/json", **headers: str) -> Callable[[web.Request], Any]:
    """Return an answer of status 200."""
    all_headers = {"Content-Type": content_type, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return lambda _request: web.Response(body=content, headers=all_headers)


def status(code: int) -> Callable[[web.Request], Any]:
    """Return an HTML page with a status."""
    return lambda _request: web.Response(status=code, text="<html>", content_type="text/html")


async def reset(request: web.Request) -> web.StreamResponse:
    """Cut the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never(_request: web.Request) -> web.StreamResponse:
    """Do not answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def counting(request: web.Request) -> web.StreamResponse:
    """Count the bytes of the file in a form, without keeping them."""
    reader = await request.multipart()
    part: Any = await reader.next()
    size = 0
    while chunk := await part.read_chunk():
        size += len(chunk)
    return web.json_response({"size": size, "length": request.content_length, "filename": part.filename})


@asynccontextmanager
async def a_client(
    *answers: Callable[[web.Request], Any], timeout: float = 30.0, limits: ApiLimits | None = None
) -> AsyncIterator[tuple[Any, Server]]:
    """Yield a client and its server."""
    server = Server(list(answers))
    app = web.Application(client_max_size=256 * MEGABYTE)
    app.router.add_route("*", "/{path:.*}", server.serve)
    async with serving(app) as port, WeChatHttp.open(f"http://127.0.0.1:{port}", timeout) as http:
        yield WeChatClient("wxshop", http, server, limits=limits, sleep=server.sleep), server
