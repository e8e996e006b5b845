"""The log of each user's pushes: a client reads the pushes that it missed while disconnected, in order and once.

A log is bounded by number, bytes and age. Each push has a position, `epoch.number.moment`. A client that
reconnects names the last position that it has; if later pushes have expired, the gap is reported, not hidden. After a
crash Redis may have lost the newest pushes, and assigns their numbers again: the moment distinguishes them.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Final

from wxbus.sockets.keys import SocketKeys
from wxbus.store.store import Script, Store

APPEND: Final = Script.of("wxbus.sockets.lua", "append_push.lua")
READ: Final = Script.of("wxbus.sockets.lua", "read_pushes.lua")
EMPTY: Final = "0"
"""Epoch of a log without pushes."""
POSITION: Final = re.compile(r"(?P<epoch>[0-9A-Za-z]{1,32})\.(?P<number>[0-9]{1,15})\.(?P<moment>[0-9]{1,15})")
PAGE: Final = 100
"""Maximum number of pushes in one read."""


LOG_KEYS: Final = ("pushes", "pushes_state", "push_ids")
"""Kinds of keys that are a log."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """The limits of a user's log; the newest push is always kept."""

    pushes: int = 500
    bytes: int = 1024 * 1024
    seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a user's log: behind push `number`."""

    epoch: str
    number: int
    moment: int = 0
    """Time at which that push was appended, in milliseconds on Redis's clock; 0 if it is no longer in the log."""

    def __str__(self) -> str:
        return f"{self.epoch}.{self.number}.{self.moment}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of a text; raises ValueError."""
        match = POSITION.fullmatch(text)
        if match is None:
            raise ValueError("a position looks like epoch.number.moment")
        return cls(match["epoch"], int(match["number"]), int(match["moment"]))


@dataclass(frozen=True, slots=True)
class Page:
    """Pushes after a position."""

    position: Position
    """The position behind the last of them."""
    pushes: tuple[tuple[Position, bytes], ...]
    """The position behind each push, and its JSON body; in order."""
    missed: bool
    """Whether pushes between the given position and the first one are missing."""


class PushLog:
    """The logs of all users. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str, limits: LogLimits | None = None) -> None:
        self._store = store
        self._keys = SocketKeys(namespace)
        self._limits = limits or LogLimits()

    async def append(self, appid: str, openid: str, body: bytes, *, push_id: str) -> bool:
        """Append a push; False if a push with this id was appended before. It may be repeated."""
        keys = [self._keys.of_user(appid, openid, kind) for kind in (*LOG_KEYS, "gateways")]
        limits = self._limits
        args = (push_id, body, secrets.token_hex(8), limits.pushes, limits.bytes, limits.seconds)
        user = f"{appid}:{openid}"
        return bool(await self._store.run(APPEND, keys=keys, args=[*args, self._keys.channel(""), user]))

    async def erase(self, appid: str, openid: str) -> None:
        """Delete the log of a user; clients that come back learn that they missed pushes."""
        await self._store.command("DEL", *(self._keys.of_user(appid, openid, kind) for kind in LOG_KEYS))

    async def end_of(self, appid: str, openid: str) -> Position:
        """Return the position behind the newest push."""
        return (await self._read(appid, openid, None)).position

    async def read(self, appid: str, openid: str, after: Position) -> Page:
        """Return the next pushes after a position, at most `PAGE`."""
        return await self._read(appid, openid, after)

    async def _read(self, appid: str, openid: str, after: Position | None) -> Page:
        """Return the pushes after a position; without one, the end of the log."""
        keys = [self._keys.of_user(appid, openid, kind) for kind in ("pushes", "pushes_state")]
        args = (after.epoch, after.number, after.moment) if after is not None else ("", 0, 0)
        epoch, number, moment, missed, entries = await self._store.run(READ, keys=keys, args=[*args, PAGE])
        name, pushes = epoch.decode() or EMPTY, []
        for place, entry in enumerate(entries, number + 1):
            stamp, _, body = entry.partition(b" ")
            pushes.append((Position(name, place, int(stamp)), body))
        last = pushes[-1][0] if pushes else Position(name, number, int(moment))
        return Page(last, tuple(pushes), missed=bool(missed))
