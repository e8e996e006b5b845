"""Permanent material."""

import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final, Literal

from wxbus.api.endpoints.materials import (
    ArticlesMaterial,
    MaterialCount,
    MaterialItem,
    MaterialPage,
    Materials,
    NewMaterial,
    VideoDescription,
    VideoMaterial,
)
from wxbus.api.models import File
from wxbus.api.uploads import UploadFile
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.media import CONTENT_TYPES
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

NO_MEDIA: Final = 40007


@dataclass(frozen=True, slots=True)
class _Material:
    kind: str
    file: File
    description: VideoDescription | None
    item: MaterialItem


class MaterialState(Part):
    """The material of one account."""

    def __init__(self) -> None:
        self.materials: dict[str, _Material] = {}
        """By media id, oldest first."""


class MaterialsTwin(Twin, Materials):
    """Keeps files. Articles are drafts."""

    async def add_image(self, image: UploadFile) -> NewMaterial:
        """Keep an image."""
        return await self._add("image", image)

    async def add_voice(self, voice: UploadFile) -> NewMaterial:
        """Keep a recording."""
        return await self._add("voice", voice)

    async def add_video(self, video: UploadFile, description: VideoDescription) -> NewMaterial:
        """Keep a video."""
        return await self._add("video", video, description)

    async def add_thumb(self, thumb: UploadFile) -> NewMaterial:
        """Keep a small picture, which counts as an image."""
        return await self._add("image", thumb)

    async def find(self, media_id: str) -> File | ArticlesMaterial | VideoMaterial:
        """Return a file, or a video's address."""
        found = self._of(media_id)
        if found.description is None:
            return found.file
        return VideoMaterial(
            title=found.description.title, description=found.description.introduction, down_url=found.item.url
        )

    async def delete(self, media_id: str) -> None:
        """Forget material."""
        self._of(media_id)
        del self.call.state(MaterialState).materials[media_id]

    async def count(self) -> MaterialCount:
        """Return the number of files of each kind."""
        kinds = Counter(one.kind for one in self.call.state(MaterialState).materials.values())
        return MaterialCount(image_count=kinds["image"], voice_count=kinds["voice"], video_count=kinds["video"])

    async def page(
        self, kind: Literal["image", "video", "voice", "news"], *, offset: int = 0, count: int = 20
    ) -> MaterialPage:
        """Return a page, newest first."""
        kept = reversed(self.call.state(MaterialState).materials.values())
        items = [one.item for one in kept if one.kind == kind]
        return MaterialPage(total=len(items), items=tuple(items[offset : offset + count]))

    async def _add(self, kind: str, file: UploadFile, description: VideoDescription | None = None) -> NewMaterial:
        media_id = secrets.token_urlsafe(32)
        url = f"https://mmbiz.qpic.cn/sandbox/{media_id}"
        content_type = CONTENT_TYPES[kind].get(PurePath(file.filename).suffix.lower(), "application/octet-stream")
        data = b"".join([chunk async for chunk in file.chunks()])
        now = datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        item = MaterialItem(media_id=media_id, name=file.filename, url=url, update_time=now)
        kept = _Material(kind, File(data, content_type, file.filename), description, item)
        self.call.state(MaterialState).materials[media_id] = kept
        return NewMaterial(media_id=media_id, url=url if kind == "image" else "")

    def _of(self, media_id: str) -> _Material:
        if media_id not in (materials := self.call.state(MaterialState).materials):
            raise ApiError(NO_MEDIA)
        return materials[media_id]
