"""Temporary media (protocol reference 9.2)."""

from dataclasses import dataclass
from typing import Final, Literal, NewType, TypeAlias

from wxbus.api.calls import READ, Calls
from wxbus.api.http import File, WeChatHttp
from wxbus.errors import WeChatUnavailable

UPLOAD_PATH: Final = "/cgi-bin/media/upload"
GET_PATH: Final = "/cgi-bin/media/get"

MediaKind: TypeAlias = Literal["image", "voice", "video", "thumb"]
MediaId = NewType("MediaId", str)
"""What replies name media by."""


@dataclass(frozen=True, slots=True)
class VideoLink:
    """Where a video can be fetched: WeChat gives an address in place of its bytes."""

    url: str


async def upload(http: WeChatHttp, calls: Calls, kind: MediaKind, filename: str, data: bytes) -> MediaId:
    """Return the id of what was uploaded. A repeat leaves a copy that nobody knows of and that lapses."""
    answer = await calls.with_token(
        lambda token: http.post_file(
            UPLOAD_PATH, {"access_token": token, "type": kind}, field="media", filename=filename, data=data
        ),
        READ,
    )
    # Official Accounts' thumbs have had another name.
    media_id = answer.get("media_id") or answer.get("thumb_media_id")
    if not isinstance(media_id, str) or not media_id:
        raise WeChatUnavailable(f"{UPLOAD_PATH}: the answer has no media_id")
    return MediaId(media_id)


async def download(http: WeChatHttp, calls: Calls, media_id: str) -> File | VideoLink:
    """Return the bytes of media, or the address of a video."""
    found = await calls.with_token(
        lambda token: http.get_file(GET_PATH, {"access_token": token, "media_id": media_id}), READ
    )
    if isinstance(found, File):
        return found
    url = found.get("video_url")
    if not isinstance(url, str) or not url:
        raise WeChatUnavailable(f"{GET_PATH}: the answer is neither a file nor a video_url")
    return VideoLink(url)
