"""Temporary media (protocol reference 9.2), and the public addresses of pictures and videos."""

from pathlib import PurePath

from aiohttp import BodyPartReader, web

from wxbus_sandbox.rules.answers import Refusal, answer
from wxbus_sandbox.rules.media import Media
from wxbus_sandbox.state import SANDBOX


async def upload(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/upload`."""
    sandbox = request.app[SANDBOX]
    account = sandbox.caller(request)
    if request.method != "POST":
        raise Refusal(43002)
    kind = request.query.get("type", "")
    filename, data = await _file(request, sandbox.media.largest)
    media = sandbox.media.add(account.appid, kind, filename, data)
    return answer(type=kind, media_id=media.media_id, created_at=int(media.created_at))


async def get(request: web.Request) -> web.Response:
    """Answer `/cgi-bin/media/get`: the bytes, or of a video its address."""
    sandbox = request.app[SANDBOX]
    account = sandbox.caller(request)
    media = sandbox.media.get(account.appid, request.query.get("media_id"))
    if media.kind == "video":
        return answer("text/plain", video_url=public_url(request, media))
    return _bytes(media)


async def public(request: web.Request) -> web.Response:
    """Answer the address of a `PicUrl` or `video_url`, which needs no token."""
    media = request.app[SANDBOX].media.find(request.match_info["media_id"])
    if media is None:
        raise web.HTTPNotFound
    return _bytes(media)


def public_url(request: web.Request, media: Media) -> str:
    """Return the address at which anybody may fetch a file."""
    return f"{request.url.origin()}/sandbox/media/{media.media_id}"


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.route("*", "/cgi-bin/media/upload", upload),
        web.get("/cgi-bin/media/get", get),
        web.get("/sandbox/media/{media_id}", public),
    ]


async def _file(request: web.Request, limit: int) -> tuple[str, bytes]:
    """Return name and bytes of the form's `media`; what is over the limit is not kept, only found too large."""
    if request.content_type != "multipart/form-data":
        raise Refusal(41005, "media data missing")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "media" and part.filename:
                data = bytearray()
                while chunk := await part.read_chunk():
                    data += chunk
                    if len(data) > limit:
                        raise Refusal(40006)
                return part.filename, bytes(data)
    except ValueError as exc:  # no multipart body after all
        raise Refusal(41005, "media data missing") from exc
    raise Refusal(41005, "media data missing")


def _bytes(media: Media) -> web.Response:
    return web.Response(
        body=media.data,
        content_type=media.content_type,
        headers={"Content-Disposition": f'attachment; filename="{media.media_id}{PurePath(media.filename).suffix}"'},
    )
