"""Responses as WeChat sends them: HTTP 200, with an errcode in the body for errors (protocol reference 9)."""

import json
import re
import secrets
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.errcodes import error_code
from wxbus.errors import WxbusError

ESCAPED: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
r"""A \uXXXX escape of a character outside of ASCII."""


class ApiError(WxbusError):
    """A call fails with this errcode."""

    def __init__(self, errcode: int, errmsg: str | None = None, **fields: Any) -> None:
        """`errmsg` is by default WeChat's text for the errcode; `fields` are those of the answer besides it."""
        self.errcode = errcode
        self.fields = fields
        self.errmsg = error_code(errcode).meaning if errmsg is None else errmsg
        super().__init__(f"{errcode}: {self.errmsg}")


@web.middleware
async def error_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert an `ApiError` into a response."""
    try:
        return await handler(request)
    except ApiError as exc:
        return error_response(exc.errcode, exc.errmsg, **exc.fields)


def api_response(content_type: str = "application/json", **fields: Any) -> web.Response:
    """Return a response with these fields."""
    return web.Response(text=json.dumps(fields, ensure_ascii=False), content_type=content_type)


def ok(**fields: Any) -> web.Response:
    """Return the response to a successful call."""
    return api_response(errcode=0, errmsg="ok", **fields)


def error_response(errcode: int, errmsg: str, *, content_type: str = "application/json", **fields: Any) -> web.Response:
    """Return the response to a failed call; WeChat appends the request's id (`rid`) to the text."""
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return api_response(content_type, errcode=errcode, errmsg=f"{errmsg} rid: {rid}", **fields)


async def json_body(request: web.Request) -> dict[str, Any]:
    r"""Return the JSON object in the request's body.

    Raises:
        ApiError: 43002: not a POST; 44002: empty body; 40033: \uXXXX escapes; 47001: not a JSON object in UTF-8.
    """
    if request.method != "POST":
        raise ApiError(43002)
    body = await request.read()
    if not body:
        raise ApiError(44002)
    if ESCAPED.search(body):
        raise ApiError(40033)
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as exc:
        raise ApiError(47001) from exc
    if not isinstance(found, dict):
        raise ApiError(47001)
    return found
