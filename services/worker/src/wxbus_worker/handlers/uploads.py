"""Replies with pictures, sound and films that are files or bytes: uploaded when the handler has returned them."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from wxbus.api.client import WeChatClient
from wxbus.api.models import MediaKind
from wxbus.wechat.replies.reply import Image, Video, Voice

Source: TypeAlias = Path | str | bytes
"""The path of a file, or what would be in it."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture to upload: PNG, JPEG or GIF."""

    source: Source = field(repr=False)
    filename: str = ""
    """What WeChat is told; "": the path's own name."""

    async def uploaded(self, client: WeChatClient) -> Image:
        """Return the reply that names the uploaded picture."""
        return Image(await _upload(client, "image", self.source, self.filename, "image.png"))


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording to upload: AMR or MP3."""

    source: Source = field(repr=False)
    filename: str = ""

    async def uploaded(self, client: WeChatClient) -> Voice:
        """Return the reply that names the uploaded recording."""
        return Voice(await _upload(client, "voice", self.source, self.filename, "voice.mp3"))


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A film to upload (MP4), and the picture that stands for it (JPEG)."""

    source: Source = field(repr=False)
    thumb: Source = field(repr=False)
    title: str = ""
    description: str = ""
    filename: str = ""

    async def uploaded(self, client: WeChatClient) -> Video:
        """Return the reply that names the uploaded film."""
        media_id = await _upload(client, "video", self.source, self.filename, "video.mp4")
        thumb = await _upload(client, "thumb", self.thumb, "", "thumb.jpg")
        return Video(media_id, self.title, self.description, thumb_media_id=thumb)


MediaFile: TypeAlias = ImageFile | VoiceFile | VideoFile


async def _upload(client: WeChatClient, kind: MediaKind, source: Source, filename: str, usual: str) -> str:
    if isinstance(source, bytes):
        return await client.upload_media(kind, filename or usual, source)
    path = Path(source)
    data = await asyncio.to_thread(path.read_bytes)
    return await client.upload_media(kind, filename or path.name, data)
