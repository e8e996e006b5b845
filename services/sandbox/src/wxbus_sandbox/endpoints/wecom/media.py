"""Temporary media of WeCom (WeCom reference 4.1)."""

from typing import Final

from aiohttp import web

from wxbus_sandbox.endpoints.media import read_file, whole_file
from wxbus_sandbox.endpoints.wecom.base import calling_account, route
from wxbus_sandbox.rules.responses import ApiError, ok

KINDS: Final = frozenset({"image", "voice", "video", "file"})


async def upload(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/upload`."""
    sandbox, account = calling_account(request)
    if request.method != "POST":
        raise ApiError(43002)
    kind = request.query.get("type", "")
    if kind not in KINDS:
        raise ApiError(40004)
    filename, data = await read_file(request, sandbox.media.max_size)
    media = sandbox.media.add(account.appid, kind, filename, data)
    return ok(type=kind, media_id=media.media_id, created_at=str(int(media.created_at)))


async def get(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/get` with the file, also of a video."""
    sandbox, account = calling_account(request)
    return whole_file(sandbox.media.get(account.appid, request.query.get("media_id")))


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [route("/cgi-bin/media/upload", upload), route("/cgi-bin/media/get", get)]
