"""Sessions in Redis.

A session is one record under the hash of its token. An index of each user names the user's sessions. It is written
before the record, so that no session can be missing from it; entries without a record are harmless.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from pydantic import ValidationError

from wxbus.store.keyring import Keyring
from wxbus.store.store import Store
from wxbus_gateway.sessions.session import FoundSession, Lifetime, Session
from wxbus_gateway.sessions.tokens import id_of, new_token, successor
from wxbus_gateway.users.model import MiniProgramUser

OVERLAP: Final = 60.0
"""Seconds for which a replaced token stays valid: the answer with the new one may be lost."""
LOGIN: Final = "login:"
"""Before the id of a login that has ended, in announcements."""
EXTEND_BELOW: Final = 0.9
"""A session's expiry is moved when less than this part of its time is left, not at each call."""

log = structlog.stdlib.get_logger("wxbus.gateway")


class SessionStore:
    """The sessions of all accounts. Every method raises StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        lifetime: Lifetime,
        *,
        namespace: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._lifetime = lifetime
        self._prefix = f"{namespace}:gateway"
        self._now = now
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each announcement of this gateway."""
        self._listeners.append(listener)

    @property
    def channel(self) -> str:
        """The channel on which ids of changed and ended sessions are announced, and ended logins after `LOGIN`."""
        return f"{self._prefix}:changed"

    async def start(self, account: str, user: MiniProgramUser) -> FoundSession:
        """Start a session of a user who has logged in."""
        now, token = self._now(), new_token()
        session = Session(
            id=id_of(token),
            login=secrets.token_hex(16),
            account=account,
            appid=user.appid,
            openid=user.openid,
            user_id=user.id,
            renew_at=now + self._lifetime.renew_after,
            ends=now + self._lifetime.total,
        ).of_user(user)
        await self._add(session)
        return self._found(session, token)

    async def find(self, token: str) -> FoundSession | None:
        """Return the session of a token, which its use keeps alive; None if there is none.

        A token that is due is replaced: the returned one is for the next call.
        """
        session = await self._read(id_of(token))
        if session is None:
            return None
        if self._now() < session.renew_at:
            return self._found(session, token)
        return await self._renew(session, token)

    async def extend(self, session: Session) -> None:
        """Move the expiry of a session that is used."""
        key, expires_in = self._key(session.id), self._expires_in(session)
        left = await self._store.command("TTL", key)
        if 0 <= left < expires_in * EXTEND_BELOW:
            await self._store.command("EXPIRE", key, int(expires_in))

    async def set_data(self, session: Session, data: dict[str, Any]) -> Session:
        """Replace the business's data of the session; return the session."""
        changed = session.model_copy(update={"data": data})
        await self._replace(changed)
        return changed

    async def end(self, token: str) -> None:
        """End the session of a token, also under all other tokens of its login.

        Usually these are the one before and the one after. While encryption keys are changed, two gateways give one
        token two successors.
        """
        session = await self._read(id_of(token))
        if session is not None:
            await self._end(session.appid, session.openid, login=session.login)

    async def end_all(self, appid: str, openid: str) -> int:
        """End all sessions of a user; return their number."""
        return await self._end(appid, openid)

    async def update(self, user: MiniProgramUser) -> None:
        """Write what is known of the user into all sessions of the user."""
        for session_id in await self._ids(user.appid, user.openid):
            if session := await self._read(session_id):
                await self._replace(session.of_user(user))

    async def get(self, token: str) -> Session | None:
        """Return the session of a token, without extending or renewing it; None if there is none."""
        return await self._read(id_of(token))

    async def keep_open(self, appid: str, openid: str, login: str) -> bool:
        """Move the expiry of a login's session, which is used; return whether it has not ended."""
        found = [await self._read(session_id) for session_id in await self._ids(appid, openid)]
        sessions = [session for session in found if session is not None and session.login == login]
        replaced = {session.previous for session in sessions}
        for session in sessions:
            if session.id not in replaced:
                await self.extend(session)
        return bool(sessions)

    async def _renew(self, session: Session, token: str) -> FoundSession | None:
        renewed_token = successor(token, self._keyring)
        renewed = session.model_copy(
            update={
                "id": id_of(renewed_token),
                "previous": session.id,
                "renew_at": self._now() + self._lifetime.renew_after,
            }
        )
        await self._add(renewed)
        await self._store.command("EXPIRE", self._key(session.id), int(OVERLAP), "LT")
        if not await self._store.command("EXISTS", self._key(session.id)):  # ended meanwhile, see `_end`
            await self._drop(session.appid, session.openid, renewed.id)
            return None
        # Another call may have created the record: then that record is valid.
        return self._found(await self._read(renewed.id) or renewed, renewed_token)

    async def _add(self, session: Session) -> None:
        index = self._index(session.appid, session.openid)
        await self._store.command("ZADD", index, session.ends, session.id)
        await self._store.command("ZREMRANGEBYSCORE", index, "-inf", self._now())
        await self._store.command("EXPIRE", index, int(self._lifetime.total) + 1)
        await self._store.command("SET", self._key(session.id), _encoded(session), "EX", self._seconds(session), "NX")

    async def _replace(self, session: Session) -> None:
        """Replace a record that still exists: a session that has ended meanwhile stays ended."""
        await self._store.command("SET", self._key(session.id), _encoded(session), "XX", "KEEPTTL")
        await self._announce(session.id)

    async def _end(self, appid: str, openid: str, *, login: str | None = None) -> int:
        """End the sessions of a user, or those of one login; return the number of logins."""
        ended: set[str] = set()
        # Twice: a renewal may add a token meanwhile. It checks the old token afterwards, so no third pass is needed.
        for _ in range(2):
            for session_id in await self._ids(appid, openid):
                session = await self._read(session_id)
                if login is None or (session is not None and session.login == login):
                    await self._drop(appid, openid, session_id)
                    ended |= {session.login} if session else set()
        for one in ended:
            await self._announce(f"{LOGIN}{one}")
        return len(ended)

    async def _drop(self, appid: str, openid: str, session_id: str) -> None:
        """Remove one session, and only its own entry of the index: a login may begin at this moment."""
        await self._store.command("DEL", self._key(session_id))
        await self._store.command("ZREM", self._index(appid, openid), session_id)
        await self._announce(session_id)

    async def _announce(self, change: str) -> None:
        for listener in self._listeners:  # this gateway must not wait for its own announcement
            listener(change)
        await self._store.command("PUBLISH", self.channel, change)

    async def _read(self, session_id: str) -> Session | None:
        record = await self._store.command("GET", self._key(session_id))
        if record is None:
            return None
        try:
            session = Session.model_validate_json(record)
        except ValidationError:
            log.error("gateway.unreadable_session")  # noqa: TRY400 - the error quotes the record
            return None
        return session if self._now() < session.ends else None

    async def _ids(self, appid: str, openid: str) -> list[str]:
        return [found.decode() for found in await self._store.command("ZRANGE", self._index(appid, openid), 0, -1)]

    def _found(self, session: Session, token: str) -> FoundSession:
        return FoundSession(session, token, self._expires_in(session))

    def _expires_in(self, session: Session) -> float:
        return max(1.0, min(self._lifetime.idle, session.ends - self._now()))

    def _seconds(self, session: Session) -> int:
        return int(self._expires_in(session))

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}:session:{session_id}"

    def _index(self, appid: str, openid: str) -> str:
        return f"{self._prefix}:sessions:{appid}:{openid}"


def _encoded(session: Session) -> bytes:
    return session.model_dump_json().encode()
