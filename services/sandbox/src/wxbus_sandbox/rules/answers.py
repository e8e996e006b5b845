"""Answers as WeChat gives them: HTTP 200 with an errcode in the body, also for errors (protocol reference 9)."""

import json
import re
import secrets
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.errcodes import error_code
from wxbus.errors import WxbusError

ESCAPED: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
r"""\uXXXX of what is not ASCII: control characters cannot be written otherwise."""


class Refusal(WxbusError):
    """A call is answered with this errcode."""

    def __init__(self, errcode: int, errmsg: str | None = None) -> None:
        """`errmsg`: None for the usual one."""
        self.errcode = errcode
        self.errmsg = error_code(errcode).meaning if errmsg is None else errmsg
        super().__init__(f"{errcode}: {self.errmsg}")


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a `Refusal` into WeChat's form of an error."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return refuse(refusal.errcode, refusal.errmsg)


def answer(content_type: str = "application/json", **fields: Any) -> web.Response:
    """Return an answer with these fields."""
    return web.Response(text=json.dumps(fields, ensure_ascii=False), content_type=content_type)


def ok(**fields: Any) -> web.Response:
    """Return the answer to a call that had its effect."""
    return answer(errcode=0, errmsg="ok", **fields)


def refuse(errcode: int, errmsg: str, *, content_type: str = "application/json") -> web.Response:
    """Return an error, with an id of the request (`rid`) as WeChat appends it."""
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return answer(content_type, errcode=errcode, errmsg=f"{errmsg} rid: {rid}")


async def json_body(request: web.Request) -> dict[str, Any]:
    r"""Return the object a call was made with.

    Raises:
        Refusal: Not a POST (43002), nothing (44002), \uXXXX escapes (40033), not a JSON object in UTF-8 (47001).
    """
    if request.method != "POST":
        raise Refusal(43002)
    body = await request.read()
    if not body:
        raise Refusal(44002)
    if ESCAPED.search(body):
        raise Refusal(40033)
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError) as exc:
        raise Refusal(47001) from exc
    if not isinstance(found, dict):
        raise Refusal(47001)
    return found
