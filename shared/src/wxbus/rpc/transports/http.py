"""The HTTP transport: `POST /rpc/{service}/{method}`, errors as problem documents (RFC 9457)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from typing import Final

from aiohttp import web

from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import bearer_credentials
from wxbus.rpc.auth.tls import subject_of
from wxbus.rpc.codec.compression import COMPRESS_FROM, compress
from wxbus.rpc.page import openapi, pages
from wxbus.rpc.service.call import Call
from wxbus.rpc.service.server import Server
from wxbus.rpc.service.stages import problem_answer
from wxbus.rpc.transports.http_messages import fast_response_to, media_type, read_body, response_to
from wxbus.runtime.direct_request import AnyRequest
from wxbus.runtime.direct_server import DirectServer

BODY_LIMIT: Final = 64 * 1024
READ_TIMEOUT: Final = 5.0
"""Seconds for the body; aiohttp has no limit (RabbitMQ and Redis reference 10)."""
CALL: Final = re.compile("/rpc/([^/]+)/([^/]+)")


def build_http(
    server: Server, *, title: str = "wxbus RPC", body_limit: int = BODY_LIMIT, read_timeout: float = READ_TIMEOUT
) -> web.Server:
    """Return the HTTP server of `server`, with its OpenAPI document and a page to try the methods.

    The document is at `/openapi.json`, for client generators at `/openapi-json.json`; the page at `/docs`. They are
    built at the first request. Usual calls are read in front of aiohttp's server (decision 0056).
    """

    @cache
    def static() -> Mapping[str, pages.Page]:
        described = partial(openapi.document, server, title=title, version=version("wxbus"))
        return pages.pages(described(), described(json_only=True))

    async def serve(request: AnyRequest) -> web.StreamResponse:
        if match := CALL.fullmatch(request.path):
            return await rpc(request, match[1], match[2])
        if request.path in pages.PATHS:
            if request.method not in {"GET", "HEAD"}:
                return _not_allowed("GET, HEAD")
            return static()[request.path].response(request.headers.get("Accept-Language"))
        return response_to(
            problem_answer(RpcFailure(404, "Not found", detail="calls are POST /rpc/{service}/{method}; see /docs"))
        )

    async def rpc(request: AnyRequest, service: str, name: str) -> web.StreamResponse:
        if request.method != "POST":
            return _not_allowed("POST")

        async def read() -> bytes:
            return await read_body(request, read_timeout)

        headers = request.headers
        call = Call(
            service=service,
            name=name,
            content_type=media_type(headers.get("Content-Type", "")),
            credentials=bearer_credentials(headers.get("Authorization")),
            read=read,
            accept=headers.get("Accept"),
            subject=subject_of(request.get_extra_info("ssl_object")),
            remote=request.remote or "",
            traceparent=headers.get("traceparent", ""),
        )
        answer = await server.answer(call)
        if answer.status == 200 and len(answer.body) < COMPRESS_FROM:
            return fast_response_to(answer)
        if answer.status == 401:
            # RFC 6750: the error is named only if the request has a key.
            error = "" if call.credentials is None else ', error="invalid_token"'
            return response_to(answer, **{"WWW-Authenticate": f'Bearer realm="wxbus"{error}'})
        body, encoding = compress(answer.body, headers.get("Accept-Encoding"))
        if encoding is not None:
            return response_to(replace(answer, body=body), **{"Content-Encoding": encoding})
        return response_to(answer)

    # A call is cancelled when its connection is lost. aiohttp's decompression accepts incomplete bodies.
    return DirectServer(serve, body_limit=body_limit, handler_cancellation=True, auto_decompress=False)


def _not_allowed(allowed: str) -> web.Response:
    return response_to(problem_answer(RpcFailure(405, f"Only {allowed}")), Allow=allowed)
