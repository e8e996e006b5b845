"""The HTTP transport: `POST /rpc/{service}/{method}`, errors as problem documents (RFC 9457)."""

import asyncio
import functools
import math
from dataclasses import replace
from importlib.metadata import version
from typing import Final

from aiohttp import web

from wxbus.errors import RpcFailure
from wxbus.rpc import openapi, page
from wxbus.rpc.call import Answer, Call
from wxbus.rpc.compression import check_encoding, compressed, inflated, too_large
from wxbus.rpc.keys import presented
from wxbus.rpc.server import Server
from wxbus.rpc.stages import answer_of

BODY_LIMIT: Final = 64 * 1024
READ_TIMEOUT: Final = 5.0
"""Seconds for the body: aiohttp has no limit of its own for a slow one (broker notes 10)."""


def build_http(
    server: Server, *, title: str = "wxbus RPC", body_limit: int = BODY_LIMIT, read_timeout: float = READ_TIMEOUT
) -> web.Application:
    """Return the application that serves `server`, describes it at `/openapi.json` and lets one try it at `/docs`."""

    async def rpc(request: web.Request, service: str, name: str) -> web.Response:
        if request.method != "POST":
            return _response(answer_of(RpcFailure(405, "Only POST")), Allow="POST")

        async def read() -> bytes:
            return await _read(request, read_timeout)

        call = Call(
            service=service,
            name=name,
            content_type=request.content_type if "Content-Type" in request.headers else "",
            credentials=presented(request.headers.get("Authorization")),
            read=read,
            accept=request.headers.get("Accept"),
        )
        answer = await server.answer(call)
        if answer.status == 401:
            # RFC 6750: the error is named only if a key was presented.
            error = "" if call.credentials is None else ', error="invalid_token"'
            return _response(answer, **{"WWW-Authenticate": f'Bearer realm="wxbus"{error}'})
        body, encoding = compressed(answer.body, request.headers.get("Accept-Encoding"))
        if encoding is not None:
            return _response(replace(answer, body=body), **{"Content-Encoding": encoding})
        return _response(answer)

    async def unknown(request: web.Request) -> web.Response:
        return await rpc(request, request.match_info["service"], request.match_info["method"])

    async def nowhere(_request: web.Request) -> web.Response:
        return _response(
            answer_of(RpcFailure(404, "Not found", detail="calls are POST /rpc/{service}/{method}; see /docs"))
        )

    # Bodies are inflated by us: aiohttp takes a cut one for whole, and knows codings that we do not.
    app = web.Application(client_max_size=body_limit, handler_args={"auto_decompress": False})
    for service, name in server.methods:  # aiohttp finds a fixed path sooner than a pattern
        app.router.add_route("*", f"/rpc/{service}/{name}", functools.partial(rpc, service=service, name=name))
    app.router.add_route("*", "/rpc/{service}/{method}", unknown)
    app.add_routes(page.routes(openapi.document(server, title=title, version=version("wxbus"))))
    app.router.add_route("*", "/{rest:.*}", nowhere)
    return app


async def _read(request: web.Request, timeout: float) -> bytes:
    encoding = request.headers.get("Content-Encoding")
    check_encoding(encoding)
    try:
        if request.content.is_eof():  # it came with its headers, as most do
            body = await request.read()
        else:
            async with asyncio.timeout(timeout):
                body = await request.read()
    except web.HTTPRequestEntityTooLarge as exc:
        raise too_large(request.client_max_size) from exc
    except TimeoutError as exc:
        raise RpcFailure(408, "The body did not arrive in time") from exc
    except (web.HTTPException, web.RequestPayloadError, OSError) as exc:
        raise RpcFailure(400, "The body cannot be read") from exc
    return inflated(body, encoding, limit=request.client_max_size)


def _response(answer: Answer, **headers: str) -> web.Response:
    headers["Content-Type"] = answer.content_type
    headers["Cache-Control"] = "no-store"  # answers hold tokens
    if answer.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(answer.retry_after)))
    return web.Response(status=answer.status, body=answer.body, headers=headers)
