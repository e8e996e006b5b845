"""Lets services change the sessions of their caller; the answer of the call shows the change."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from wxbus.rpc.service.call import Answer, Call, method_of
from wxbus.rpc.service.stages import Next
from wxbus_gateway.sessions.session import FoundSession, Session
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.users.model import MiniProgramUser
from wxbus_gateway.users.repository import Users

MAX_UID: Final = 128
"""Characters of the business's id of a user."""
MAX_DATA: Final = 2048
"""Bytes of the business's data of a session, as JSON: every answer has them."""


class Sessions(ABC):
    """The sessions of the user who calls; methods take it by type."""

    @abstractmethod
    async def set_uid(self, uid: str | None) -> None:
        """Keep the business's own id of the user, which all sessions of the user show.

        Raises:
            ValueError: It is empty or has more than 128 characters.
        """

    @abstractmethod
    async def set_data(self, data: Mapping[str, Any]) -> None:
        """Replace the business's data of this session: the client gets them with every answer.

        Raises:
            ValueError: The data are not JSON, or have more than 2,048 bytes as JSON.
        """


class CallerSessions(Sessions):
    """The sessions of the user of one call. Every method raises StoreUnavailable."""

    def __init__(self, call: Call, store: SessionStore, users: Users) -> None:
        self._call = call
        self._store = store
        self._users = users

    async def set_uid(self, uid: str | None) -> None:
        """Keep the business's id of the user (see Sessions); raises UsersUnavailable, UnknownUser."""
        user_id = self._call.features[Session].user_id
        await show_user(self._call, self._store, await self._users.set_uid(user_id, checked_uid(uid)))

    async def set_data(self, data: Mapping[str, Any]) -> None:
        """Replace the business's data of this session (see Sessions)."""
        found = self._call.features[FoundSession]
        changed = await self._store.set_data(found.session, checked_data(data))
        self._call.features[FoundSession] = replace(found, session=changed)


class ProvideSessions:
    """The stage that gives `Sessions` to the methods that take it."""

    def __init__(self, store: SessionStore, users: Users) -> None:
        self._store = store
        self._users = users

    async def __call__(self, call: Call, call_next: Next) -> Answer:
        """Add the feature, and call the next stage."""
        if Sessions in method_of(call).injected.values():
            call.features[cast("type[object]", Sessions)] = CallerSessions(call, self._store, self._users)
        return await call_next(call)


async def show_user(call: Call, store: SessionStore, user: MiniProgramUser) -> None:
    """Write what is known of the user into all sessions of the user, and into that of this call first."""
    found = call.features[FoundSession]
    call.features[FoundSession] = replace(found, session=found.session.of_user(user))
    await store.update(user)


def checked_uid(uid: str | None) -> str | None:
    """Return the id; raises ValueError."""
    if uid is not None and not 1 <= len(uid) <= MAX_UID:
        raise ValueError(f"uid: must have 1 to {MAX_UID} characters")
    return uid


def checked_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as JSON has them; raises ValueError."""
    try:
        text = json.dumps(dict(data), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"session data: must be JSON: {exc}") from exc
    if len(text.encode()) > MAX_DATA:
        raise ValueError(f"session data: must have at most {MAX_DATA} bytes as JSON")
    found: dict[str, Any] = json.loads(text)
    return found
