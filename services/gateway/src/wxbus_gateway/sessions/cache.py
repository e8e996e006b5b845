"""The sessions of the last second in memory: a page that makes several calls costs one trip to Redis.

A session that ends or changes on another gateway is announced; if the announcement is lost, the cache is wrong for one
second at most.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from wxbus.aio.background import repeat
from wxbus.store.store import Store
from wxbus_gateway.sessions.session import FoundSession
from wxbus_gateway.sessions.store import LOGIN, SessionStore
from wxbus_gateway.sessions.tokens import id_of, is_token

LIFETIME: Final = 1.0
LIMIT: Final = 10_000
RECONNECT_DELAY: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Entry:
    found: FoundSession
    until: float


class SessionCache:
    """Finds sessions by token."""

    def __init__(
        self,
        sessions: SessionStore,
        store: Store,
        *,
        on_ended: Callable[[str], None] = lambda _login: None,
        clock: Callable[[], float] = time.monotonic,
        limit: int = LIMIT,
    ) -> None:
        """`on_ended` gets the id of each login whose session has ended."""
        self._sessions = sessions
        self._store = store
        self._on_ended = on_ended
        self._clock = clock
        self._limit = limit
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        """By id of the session."""
        self._changes = 0
        sessions.on_change(self._apply)

    async def find(self, token: str) -> FoundSession | None:
        """Return the session of a token, None if there is none; raises StoreUnavailable."""
        if not is_token(token):
            return None
        session_id = id_of(token)
        entry = self._entries.get(session_id)
        if entry is not None and self._clock() < entry.until:
            return entry.found
        changes = self._changes
        found = await self._sessions.find(token)
        if found is None:
            self._entries.pop(session_id, None)
            return None
        await self._sessions.extend(found.session)
        # A change that was announced meanwhile may be newer than the session that was read; a renewed token is used
        # once.
        if changes == self._changes and found.session.id == session_id:
            self._add(found)
        return found

    def forget(self, session_id: str) -> None:
        """Drop a session that has ended or changed."""
        self._changes += 1
        self._entries.pop(session_id, None)

    async def listen(self) -> NoReturn:
        """Drop the sessions that other gateways announce, until cancelled."""
        await repeat(self._receive, name="session changes", pause=lambda: RECONNECT_DELAY)

    async def _receive(self) -> None:
        async for message in self._store.messages(self._sessions.channel):
            self._apply(message.decode(errors="replace"))

    def _apply(self, change: str) -> None:
        if change.startswith(LOGIN):
            self._on_ended(change.removeprefix(LOGIN))
        else:
            self.forget(change)

    def _add(self, found: FoundSession) -> None:
        self._entries[found.session.id] = _Entry(found, self._clock() + LIFETIME)
        self._entries.move_to_end(found.session.id)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
