"""Users in a SQL database: SQLite in a file, or PostgreSQL for several machines (implements `Users`)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from wxbus.errors import ConfigurationError
from wxbus.store.keyring import DecryptionError, Keyring
from wxbus_gateway.errors import UnknownUser, UsersUnavailable
from wxbus_gateway.users.model import MiniProgramUser, Phone, Profile
from wxbus_gateway.users.tables import UserRow

PHONE: Final = "phone"
"""Context of phone numbers, for the keyring."""

Change = Callable[[UserRow], None]


def _now() -> datetime:
    return datetime.now(UTC)


class SqlUsers:
    """The users in a database that `wxbus_gateway.users.database` opened."""

    def __init__(self, engine: AsyncEngine, keyring: Keyring, *, now: Callable[[], datetime] = _now) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._keyring = keyring
        self._now = now
        # Only the dialect that the engine has imported.
        self._insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert

    async def seen(self, appid: str, openid: str, *, unionid: str | None = None) -> MiniProgramUser:
        """Return the user, who logs in now (see Users)."""
        moment = self._now()
        added = self._insert(UserRow).values(
            appid=appid, openid=openid, unionid=unionid, first_seen=moment, last_seen=moment
        )
        changed: dict[str, Any] = {"last_seen": moment}
        if unionid is not None:
            changed["unionid"] = unionid
        upsert = added.on_conflict_do_update(index_elements=["appid", "openid"], set_=changed).returning(UserRow)
        async with self._transaction() as session:
            row = (await session.scalars(upsert, execution_options={"populate_existing": True})).one()
        return self._user(row)

    async def get(self, user_id: int) -> MiniProgramUser | None:
        """Return a user, None if there is none."""
        return next(iter(await self._found(UserRow.id == user_id)), None)

    async def find(self, appid: str, openid: str) -> MiniProgramUser | None:
        """Return the user with this openid."""
        return next(iter(await self._found(UserRow.appid == appid, UserRow.openid == openid)), None)

    async def find_by_phone(self, appid: str, phone: Phone) -> list[MiniProgramUser]:
        """Return the users with this phone number, the first seen first."""
        fingerprints = self._keyring.fingerprints(phone.international, context=PHONE)
        return await self._found(UserRow.appid == appid, UserRow.phone_fingerprint.in_(fingerprints))

    async def find_by_uid(self, appid: str, uid: str) -> list[MiniProgramUser]:
        """Return the users with this id of the business, the first seen first."""
        return await self._found(UserRow.appid == appid, UserRow.uid == uid)

    async def set_profile(self, user_id: int, profile: Profile, *, unionid: str | None = None) -> MiniProgramUser:
        """Replace the profile of a user (see Users)."""

        def change(row: UserRow) -> None:
            row.profile = profile.model_dump()
            row.unionid = unionid or row.unionid

        return await self._change(user_id, change)

    async def set_phone(self, user_id: int, phone: Phone) -> MiniProgramUser:
        """Replace the phone number of a user (see Users)."""

        def change(row: UserRow) -> None:
            row.phone = self._keyring.encrypt(phone.model_dump_json(), context=_phone_context(row))
            row.phone_fingerprint = self._keyring.fingerprints(phone.international, context=PHONE)[0]

        return await self._change(user_id, change)

    async def set_uid(self, user_id: int, uid: str | None) -> MiniProgramUser:
        """Replace the business's id of a user (see Users)."""

        def change(row: UserRow) -> None:
            row.uid = uid

        return await self._change(user_id, change)

    async def erase(self, user_id: int) -> bool:
        """Delete all that is known of a user; return whether there was one."""
        async with self._transaction() as session:
            deleted = await session.execute(delete(UserRow).where(UserRow.id == user_id).returning(UserRow.id))
            return deleted.first() is not None

    async def _found(self, *conditions: ColumnElement[bool]) -> list[MiniProgramUser]:
        async with self._transaction() as session:
            rows = (await session.scalars(select(UserRow).where(*conditions).order_by(UserRow.id))).all()
        return [self._user(row) for row in rows]

    async def _change(self, user_id: int, change: Change) -> MiniProgramUser:
        async with self._transaction() as session:
            row = await session.get(UserRow, user_id, with_for_update=True)
            if row is None:
                raise UnknownUser(user_id)
            change(row)
        return self._user(row)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OSError, DBAPIError, PoolTimeout) as exc:
            # Without its cause, whose text holds the values of the statement.
            raise UsersUnavailable(f"the database of users does not respond: {_reason(exc)}") from None

    def _user(self, row: UserRow) -> MiniProgramUser:
        return MiniProgramUser(
            id=row.id,
            appid=row.appid,
            openid=row.openid,
            unionid=row.unionid,
            profile=None if row.profile is None else Profile.model_validate(row.profile),
            phone=self._phone(row),
            uid=row.uid,
            first_seen=_aware(row.first_seen),
            last_seen=_aware(row.last_seen),
        )

    def _phone(self, row: UserRow) -> Phone | None:
        if row.phone is None:
            return None
        try:
            return Phone.model_validate_json(self._keyring.decrypt(row.phone, context=_phone_context(row)))
        except DecryptionError as exc:
            raise ConfigurationError(f"the phone number of user {row.id} cannot be decrypted: {exc}") from exc


def _phone_context(row: UserRow) -> str:
    """Return the context of a sealed number, which does not decrypt in another user's row."""
    return f"{PHONE}:{row.appid}:{row.openid}"


def _reason(exc: OSError | SQLAlchemyError) -> str:
    """Return the kind of an error: its text may hold a password or a user's data."""
    cause = exc.orig if isinstance(exc, DBAPIError) else exc
    return type(cause).__name__


def _aware(moment: datetime) -> datetime:
    """Return a time with its zone, which SQLite does not keep."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
