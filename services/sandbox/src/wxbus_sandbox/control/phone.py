"""The control API of a user's phone: file uploads, and the menu of an account."""

import hashlib
from typing import Final

from aiohttp import web

from wxbus_sandbox.control.api import account_named, http_error
from wxbus_sandbox.families.menus import MenuState
from wxbus_sandbox.families.users import UserState
from wxbus_sandbox.rules.media import CONTENT_TYPES
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import SANDBOX, Sandbox

UNKNOWN_KIND: Final = 40004
WRONG_TYPE: Final = 40005


async def upload(request: web.Request) -> web.Response:
    """Store the body as a file that a user sends; answer with its `media_id`, size and MD5."""
    sandbox = request.app[SANDBOX]
    account = account_named(sandbox, request.query.get("account", ""))
    kind, filename = request.query.get("type", "image"), request.query.get("filename", "")
    try:
        media = sandbox.media.add(account.appid, kind, filename, await _read(request, sandbox.media.max_size))
    except ApiError as exc:
        raise http_error(_refusal(sandbox, kind, filename, exc.errcode)) from exc
    digest = hashlib.md5(media.data, usedforsecurity=False).hexdigest()  # WeChat's
    return web.json_response({"media_id": media.media_id, "size": len(media.data), "md5": digest})


async def menu(request: web.Request) -> web.Response:
    """Answer with the buttons that a user of an account sees, none without a menu."""
    sandbox = request.app[SANDBOX]
    account = account_named(sandbox, request.query.get("account", ""))
    tags = sandbox.part(account.appid, UserState).tags_of.get(request.query.get("openid", ""), ())
    buttons = sandbox.part(account.appid, MenuState).matching(tags)
    return web.json_response({"buttons": [button.model_dump(mode="json") for button in buttons]})


async def _read(request: web.Request, limit: int) -> bytes:
    """Return the body; stop reading above the limit."""
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            break
    return bytes(data)


def _refusal(sandbox: Sandbox, kind: str, filename: str, errcode: int) -> str:
    """Return why a file was refused, with the limit."""
    if errcode == UNKNOWN_KIND:
        return f"type: must be one of {', '.join(CONTENT_TYPES)}"
    if errcode == WRONG_TYPE:
        return f"{filename}: {kind} files end in {', '.join(CONTENT_TYPES[kind])}"
    return f"{filename}: {kind} files have 1 to {sandbox.media.limit(kind)} bytes"


def routes() -> list[web.RouteDef]:
    """Return the routes of the phone."""
    return [web.post("/sandbox/media", upload), web.get("/sandbox/menu", menu)]
