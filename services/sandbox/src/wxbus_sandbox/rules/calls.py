"""The calls of WeChat's API as they come, without secrets."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.telemetry import trace_id
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.history import History
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import TokenIssuer

OWN: Final = ("/sandbox/", "/v1/", "/favicon.ico")
"""Paths that WeChat does not have."""
MAX_BODY: Final = 16 * 1024
"""Bytes of a body that are kept."""
SECRET: Final = re.compile(r"secret|token|ticket|session_key|code$|encrypt|aes_?key|signature", re.IGNORECASE)
"""Names of fields and parameters whose values are not shown."""
NOT_SECRET: Final = frozenset({"errcode"})
HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class Call:
    """One call and its answer."""

    time: float
    """When the call came, on the sandbox's clock."""
    appid: str
    """"" without a valid token."""
    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    request: bytes = field(repr=False)
    """The first `MAX_BODY` bytes."""
    status: int | None
    """None if the connection was cut."""
    answer: bytes = field(repr=False)
    ms: float
    trace_id: str = ""
    """Of the message for which a worker made it; "" if unknown."""

    def shown(self) -> dict[str, Any]:
        """Return the call for the page, with `HIDDEN` instead of secrets."""
        return {
            "time": self.time,
            "appid": self.appid,
            "method": self.method,
            "path": self.path,
            "query": _without_secrets({**self.query, **({"key": HIDDEN} if "key" in self.query else {})}),
            "request": _readable(self.request),
            "status": self.status,
            "answer": _readable(self.answer),
            "ms": self.ms,
            "trace_id": self.trace_id,
        }


class CallRecorder:
    """Adds calls to a history."""

    def __init__(self, calls: History[Call], clock: Clock, tokens: TokenIssuer) -> None:
        self._calls = calls
        self._clock = clock
        self._tokens = tokens

    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return the handler's response, and record both."""
        came, begun = self._clock.now(), time.perf_counter()
        appid = self._appid(request)
        body, response = b"", None
        try:
            if request.content_type == "multipart/form-data":
                body = b"(a form with a file)"  # its handler reads it piece by piece
            else:
                body = await request.read()
            response = await handler(request)
            return response
        finally:
            answer = response.body if isinstance(response, web.Response) else b""
            cut = response is None or request.transport is None or request.transport.is_closing()
            self._calls.add(
                Call(
                    time=came,
                    appid=appid,
                    method=request.method,
                    path=request.path,
                    query=dict(request.query),
                    request=body[:MAX_BODY],
                    status=None if cut or response is None else response.status,
                    answer=answer[:MAX_BODY] if isinstance(answer, bytes) else b"",
                    ms=round((time.perf_counter() - begun) * 1000, 1),
                    trace_id=trace_id(request.headers.get("traceparent", "")),
                )
            )

    def _appid(self, request: web.Request) -> str:
        token = request.query.get("access_token", "")
        try:
            return self._tokens.appid_of(token) if token else ""
        except ApiError:
            return ""


RECORDER: Final = web.AppKey("recorder", CallRecorder)


@web.middleware
async def record_calls(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record the calls of WeChat's API."""
    if is_own(request.path):
        return await handler(request)
    return await request.app[RECORDER].record(request, handler)


def is_own(path: str) -> bool:
    """Return whether a path is the sandbox's own, which WeChat does not have."""
    return path == "/" or path.startswith(OWN)


def _readable(body: bytes) -> Any:
    """Return the JSON value without secrets, or the text; the size of bytes that are neither."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"({len(body)} bytes)" if len(body) < MAX_BODY else f"({MAX_BODY} bytes or more)"
    try:
        return _without_secrets(json.loads(text))
    except (ValueError, RecursionError):
        return HIDDEN if SECRET.search(text) else text


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if found and name not in NOT_SECRET and SECRET.search(name) else _without_secrets(found)
            for name, found in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
