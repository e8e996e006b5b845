"""Temporary media, which expire after three days (protocol reference 9.2)."""

import base64
import secrets
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.settings import Rules

CONTENT_TYPES: Final = {
    "image": {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"},
    "voice": {".amr": "voice/amr", ".mp3": "audio/mpeg"},
    "video": {".mp4": "video/mp4"},
    "thumb": {".jpg": "image/jpeg", ".jpeg": "image/jpeg"},
    "file": {},
}
"""The file types of each kind, by suffix; a file of WeCom may have any."""

PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg=="
)
"""One pixel: the picture that users send."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file."""

    media_id: str
    appid: str
    kind: str
    filename: str
    content_type: str
    data: bytes
    created_at: float


class MediaStore:
    """The media of all accounts, uploaded or sent by users."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.media_lifetime
        self._limits = {
            "image": rules.image_bytes,
            "voice": rules.voice_bytes,
            "video": rules.video_bytes,
            "thumb": rules.thumb_bytes,
            "file": rules.file_bytes,
        }
        self._media: dict[str, Media] = {}

    @property
    def max_size(self) -> int:
        """Return the maximum size of a file in bytes."""
        return max(self._limits.values())

    def limit(self, kind: str) -> int:
        """Return the maximum size of a file of this kind in bytes."""
        return self._limits[kind]

    def add(self, appid: str, kind: str, filename: str, data: bytes) -> Media:
        """Add a file.

        Raises:
            ApiError: 40004: unknown kind; 40005: wrong file type for the kind; 40006: too large or empty.
        """
        if kind not in CONTENT_TYPES:
            raise ApiError(40004)
        suffix = PurePath(filename).suffix.lower()
        content_type = "application/octet-stream" if kind == "file" else CONTENT_TYPES[kind].get(suffix)
        if content_type is None:
            raise ApiError(40005)
        if not 0 < len(data) <= self._limits[kind]:
            raise ApiError(40006)
        now = self._clock.now()
        for expired in [media for media in self._media.values() if not self._valid(media)]:
            del self._media[expired.media_id]
        media = Media(secrets.token_urlsafe(48), appid, kind, filename, content_type, data, now)
        self._media[media.media_id] = media
        return media

    def get(self, appid: str, media_id: object) -> Media:
        """Return a file.

        Raises:
            ApiError: 40007: unknown, expired, or of another account.
        """
        media = self._media.get(media_id) if isinstance(media_id, str) else None
        if media is None or media.appid != appid or not self._valid(media):
            raise ApiError(40007)
        return media

    def is_valid(self, appid: str, media_id: str) -> bool:
        """Return whether `get` returns the file."""
        media = self._media.get(media_id)
        return media is not None and media.appid == appid and self._valid(media)

    def find(self, media_id: str) -> Media | None:
        """Return a file of any account, for its public address."""
        return self._media.get(media_id)

    def reset(self) -> None:
        """Remove all files."""
        self._media.clear()

    def _valid(self, media: Media) -> bool:
        return self._clock.now() < media.created_at + self._lifetime
