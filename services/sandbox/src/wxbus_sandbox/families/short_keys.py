"""Short keys."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.short_keys import MONTH, LongData, ShortKeys
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

WRONG_KEY: Final = 40035


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str
    created_at: float
    until: float


class ShortKeyState(Part):
    """The short keys of one account."""

    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}


class ShortKeysTwin(Twin, ShortKeys):
    """Keeps the texts until they expire."""

    async def create(self, text: str, *, expires_in: int = MONTH) -> str:
        """Keep a text."""
        key, now = secrets.token_urlsafe(12), self.call.sandbox.clock.now()
        self.call.state(ShortKeyState).kept[key] = _Kept(text, now, now + expires_in)
        return key

    async def fetch(self, short_key: str) -> LongData:
        """Return the text."""
        found, now = self.call.state(ShortKeyState).kept.get(short_key), self.call.sandbox.clock.now()
        if found is None or now >= found.until:
            raise ApiError(WRONG_KEY)
        created = datetime.fromtimestamp(found.created_at, UTC)
        return LongData(long_data=found.text, create_time=created, expire_seconds=int(found.until - now))
