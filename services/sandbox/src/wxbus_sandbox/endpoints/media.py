"""Temporary media (protocol reference 9.2), and public addresses of pictures and videos."""

from pathlib import PurePath

from aiohttp import BodyPartReader, web

from wxbus_sandbox.rules.media import Media
from wxbus_sandbox.rules.responses import ApiError, api_response
from wxbus_sandbox.state import SANDBOX


async def upload(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/upload`."""
    sandbox = request.app[SANDBOX]
    account = sandbox.calling_account(request)
    if request.method != "POST":
        raise ApiError(43002)
    kind = request.query.get("type", "")
    if kind == "file":  # only WeCom has this type
        raise ApiError(40004)
    filename, data = await read_file(request, sandbox.media.max_size)
    media = sandbox.media.add(account.appid, kind, filename, data)
    return api_response(type=kind, media_id=media.media_id, created_at=int(media.created_at))


async def get(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/get` with the file, or with the address of a video."""
    sandbox = request.app[SANDBOX]
    account = sandbox.calling_account(request)
    media = sandbox.media.get(account.appid, request.query.get("media_id"))
    if media.kind == "video":
        return api_response("text/plain", video_url=public_url(request, media))
    return whole_file(media)


async def public(request: web.Request) -> web.Response:
    """Answer the address of a `PicUrl` or `video_url` without a token."""
    media = request.app[SANDBOX].media.find(request.match_info["media_id"])
    if media is None:
        raise web.HTTPNotFound
    return whole_file(media)


def public_url(request: web.Request, media: Media) -> str:
    """Return the public address of a file."""
    return f"{request.url.origin()}/sandbox/media/{media.media_id}"


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/cgi-bin/media/upload", upload),
        web.get("/cgi-bin/media/get", get),
        web.get("/sandbox/media/{media_id}", public),
    ]


async def read_file(request: web.Request, limit: int) -> tuple[str, bytes]:
    """Return the filename and content of the form's `media`; stop reading above the limit."""
    if request.content_type != "multipart/form-data":
        raise ApiError(41005, "media data missing")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "media" and part.filename:
                data = bytearray()
                while chunk := await part.read_chunk():
                    data += chunk
                    if len(data) > limit:
                        raise ApiError(40006)
                return part.filename, bytes(data)
    except ValueError as exc:  # not a multipart body
        raise ApiError(41005, "media data missing") from exc
    raise ApiError(41005, "media data missing")


def whole_file(media: Media) -> web.Response:
    """Return the response with a file."""
    return web.Response(
        body=media.data,
        content_type=media.content_type,
        headers={"Content-Disposition": f'attachment; filename="{media.media_id}{PurePath(media.filename).suffix}"'},
    )
