"""Replies with media that are files or bytes. They are uploaded after the handler has returned."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from wxbus.api.client import WeChatClient
from wxbus.api.models import MediaKind
from wxbus.wechat.replies.reply import Image, Video, Voice

Source: TypeAlias = Path | str | bytes
"""The path of a file, or its content."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture to upload: PNG, JPEG or GIF."""

    source: Source = field(repr=False)
    filename: str = ""
    """The name for WeChat; "": the name in the path."""

    async def upload(self, client: WeChatClient) -> Image:
        """Upload it and return the reply."""
        return Image(await _upload(client, "image", self.source, self.filename, "image.png"))


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording to upload: AMR or MP3."""

    source: Source = field(repr=False)
    filename: str = ""

    async def upload(self, client: WeChatClient) -> Voice:
        """Upload it and return the reply."""
        return Voice(await _upload(client, "voice", self.source, self.filename, "voice.mp3"))


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video to upload (MP4), and its thumbnail (JPEG)."""

    source: Source = field(repr=False)
    thumb: Source = field(repr=False)
    title: str = ""
    description: str = ""
    filename: str = ""

    async def upload(self, client: WeChatClient) -> Video:
        """Upload both and return the reply."""
        media_id = await _upload(client, "video", self.source, self.filename, "video.mp4")
        thumb = await _upload(client, "thumb", self.thumb, "", "thumb.jpg")
        return Video(media_id, self.title, self.description, thumb_media_id=thumb)


MediaFile: TypeAlias = ImageFile | VoiceFile | VideoFile


async def _upload(client: WeChatClient, kind: MediaKind, source: Source, filename: str, default: str) -> str:
    if isinstance(source, bytes):
        return await client.upload_media(kind, filename or default, source)
    path = Path(source)
    data = await asyncio.to_thread(path.read_bytes)
    return await client.upload_media(kind, filename or path.name, data)
