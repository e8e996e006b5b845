"""The HTTP transport: `POST /rpc/{service}/{method}`, errors as problem documents (RFC 9457)."""

import asyncio
import math
import re
from dataclasses import replace
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Final

from aiohttp import web

from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import bearer_credentials
from wxbus.rpc.auth.tls import subject_of
from wxbus.rpc.codec.compression import COMPRESS_FROM, check_encoding, compress, decompress, too_large
from wxbus.rpc.page import openapi, pages
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.server import Server
from wxbus.rpc.service.stages import problem_answer
from wxbus.runtime import http_server
from wxbus.runtime.fast_response import FastResponse

BODY_LIMIT: Final = 64 * 1024
READ_TIMEOUT: Final = 5.0
"""Seconds for the body; aiohttp has no limit (RabbitMQ and Redis reference 10)."""
NO_STORE: Final = (("Cache-Control", "no-store"),)
"""Answers hold tokens."""
CALL: Final = re.compile("/rpc/([^/]+)/([^/]+)")


def build_http(
    server: Server, *, title: str = "wxbus RPC", body_limit: int = BODY_LIMIT, read_timeout: float = READ_TIMEOUT
) -> web.Server:
    """Return the HTTP server of `server`, with its OpenAPI document and a page to try the methods.

    The document is at `/openapi.json`, for client generators at `/openapi-json.json`; the page at `/docs`. It is
    aiohttp's low-level server, because aiohttp's router would take a third of the time of a call.
    """
    described = partial(openapi.document, server, title=title, version=version("wxbus"))
    static = pages.pages(described(), described(json_only=True))

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if match := CALL.fullmatch(request.path):
            return await rpc(request, match[1], match[2])
        if found := static.get(request.path):
            if request.method not in {"GET", "HEAD"}:
                return _not_allowed("GET, HEAD")
            return found.response(request.headers.get("Accept-Language"))
        return _response(
            problem_answer(RpcFailure(404, "Not found", detail="calls are POST /rpc/{service}/{method}; see /docs"))
        )

    async def rpc(request: web.BaseRequest, service: str, name: str) -> web.StreamResponse:
        if request.method != "POST":
            return _not_allowed("POST")

        async def read() -> bytes:
            return await _read(request, read_timeout)

        headers = request.headers
        call = Call(
            service=service,
            name=name,
            content_type=_media_type(headers.get("Content-Type", "")),
            credentials=bearer_credentials(headers.get("Authorization")),
            read=read,
            accept=headers.get("Accept"),
            subject=subject_of(request.get_extra_info("ssl_object")),
            remote=request.remote or "",
        )
        answer = await server.answer(call)
        if answer.status == 200 and len(answer.body) < COMPRESS_FROM:
            return FastResponse.of(answer.body, answer.content_type, NO_STORE)
        if answer.status == 401:
            # RFC 6750: the error is named only if the request has a key.
            error = "" if call.credentials is None else ', error="invalid_token"'
            return _response(answer, **{"WWW-Authenticate": f'Bearer realm="wxbus"{error}'})
        body, encoding = compress(answer.body, headers.get("Accept-Encoding"))
        if encoding is not None:
            return _response(replace(answer, body=body), **{"Content-Encoding": encoding})
        return _response(answer)

    # A call is cancelled when its connection is lost. aiohttp's decompression accepts incomplete bodies.
    return http_server.Server(serve, body_limit=body_limit, handler_cancellation=True, auto_decompress=False)


@lru_cache(maxsize=256)
def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


async def _read(request: web.BaseRequest, timeout: float) -> bytes:
    encoding = request.headers.get("Content-Encoding")
    if encoding is not None:
        check_encoding(encoding)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if request.content.is_eof():  # received with the headers, as usual
            body = request.content.read_nowait()
        else:
            async with asyncio.timeout(timeout):
                body = await request.read()
    except web.HTTPRequestEntityTooLarge as exc:
        raise too_large(request.client_max_size) from exc
    except TimeoutError as exc:
        raise RpcFailure(408, "The body did not arrive in time") from exc
    except (web.HTTPException, web.RequestPayloadError, OSError) as exc:
        raise RpcFailure(400, "Malformed body") from exc
    if encoding is None and len(body) <= request.client_max_size:  # the usual case
        return body
    return decompress(body, encoding, limit=request.client_max_size)


def _not_allowed(allowed: str) -> web.Response:
    return _response(problem_answer(RpcFailure(405, f"Only {allowed}")), Allow=allowed)


def _response(answer: Answer, **headers: str) -> web.Response:
    headers["Content-Type"] = answer.content_type
    headers["Cache-Control"] = "no-store"  # answers hold tokens
    if answer.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(answer.retry_after)))
    return web.Response(status=answer.status, body=answer.body, headers=headers)
