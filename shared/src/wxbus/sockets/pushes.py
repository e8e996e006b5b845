"""The log of each user's pushes: what a client missed while it was away is read again, in order and once.

A log is bounded by number, bytes and age. Each push has a position, `epoch.number`. A client that comes back says the
last position it has; if pushes between are gone, the gap is reported, not hidden.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from wxbus.sockets.keys import SocketKeys
from wxbus.store.store import Script, Store

APPEND: Final = Script.of("wxbus.sockets.lua", "append_push.lua")
READ: Final = Script.of("wxbus.sockets.lua", "read_pushes.lua")
EMPTY: Final = "0"
"""Epoch of a log without pushes."""
PAGE: Final = 100
"""Pushes that are read at once."""


LOG_KEYS: Final = ("pushes", "pushes_state", "push_ids")
"""Kinds of keys that are a log."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What is kept of a user's pushes; the newest one always is."""

    pushes: int = 500
    bytes: int = 1024 * 1024
    seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a user's log: behind push `number`."""

    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position of a text; raises ValueError."""
        epoch, dot, number = text.partition(".")
        if not (dot and epoch.isascii() and epoch.isalnum() and len(epoch) <= 32 and number.isdecimal()):
            raise ValueError("a position looks like epoch.number")
        return cls(epoch, int(number[:15]))


@dataclass(frozen=True, slots=True)
class Page:
    """Pushes after a position."""

    position: Position
    """Behind the last of them."""
    pushes: tuple[bytes, ...]
    """JSON bodies, in order."""
    missed: bool
    """Pushes before the first one are gone."""

    def positions(self) -> list[Position]:
        """Return the position behind each push."""
        last = self.position.number
        return [Position(self.position.epoch, last - len(self.pushes) + 1 + index) for index in range(len(self.pushes))]


class PushLog:
    """The logs of all users. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str, limits: LogLimits | None = None) -> None:
        self._store = store
        self._keys = SocketKeys(namespace)
        self._limits = limits or LogLimits()

    async def append(self, appid: str, openid: str, body: bytes, *, push_id: str) -> bool:
        """Append a push; False if one with this id was appended before. It may be repeated."""
        keys = [self._keys.of_user(appid, openid, kind) for kind in (*LOG_KEYS, "gateways")]
        limits = self._limits
        words = (push_id, body, secrets.token_hex(8), limits.pushes, limits.bytes, limits.seconds)
        user = f"{appid}:{openid}"
        return bool(await self._store.run(APPEND, keys=keys, args=[*words, self._keys.channel(""), user]))

    async def erase(self, appid: str, openid: str) -> None:
        """Delete the log of a user; clients that come back learn that they missed pushes."""
        await self._store.command("DEL", *(self._keys.of_user(appid, openid, kind) for kind in LOG_KEYS))

    async def end_of(self, appid: str, openid: str) -> Position:
        """Return the position behind the newest push."""
        epoch, newest, _, _ = await self._read(appid, openid, -1, 1)
        return Position(epoch, newest)

    async def read(self, appid: str, openid: str, after: Position) -> Page:
        """Return the next pushes after a position, at most `PAGE`."""
        epoch, newest, first, found = await self._read(appid, openid, after.number, PAGE)
        if epoch == after.epoch and newest < after.number:  # a crash of Redis has lost the newest ones
            return Page(Position(epoch, newest), (), missed=True)
        if epoch != after.epoch:  # the log has expired since, or Redis has lost it
            fresh = Position(epoch, 0)
            known = after.epoch == EMPTY
            if newest == 0:
                return Page(fresh, (), missed=not known)
            epoch, newest, first, found = await self._read(appid, openid, 0, PAGE)
            return Page(Position(epoch, first + len(found) - 1), found, missed=not known or first > 1)
        return Page(Position(epoch, first + len(found) - 1), found, missed=first > after.number + 1)

    async def _read(self, appid: str, openid: str, after: int, most: int) -> tuple[str, int, int, tuple[bytes, ...]]:
        keys = [self._keys.of_user(appid, openid, kind) for kind in ("pushes", "pushes_state")]
        epoch, newest, first, found = await self._store.run(READ, keys=keys, args=[after, most])
        return epoch.decode() or EMPTY, newest, first, tuple(entry.partition(b" ")[2] for entry in found)
