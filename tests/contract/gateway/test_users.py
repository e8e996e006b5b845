"""One contract for both databases: what `Users` promises."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from wxbus.errors import ConfigurationError
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus_gateway.errors import UnknownUser
from wxbus_gateway.users.database import VERSION_TABLE, newest_version, version
from wxbus_gateway.users.migrating import migrate, versions
from wxbus_gateway.users.model import Phone, Profile
from wxbus_gateway.users.sql import SqlUsers
from wxbus_gateway.users.tables import Base

SHOP, CAFE, OPENID = "wx0000000000000001", "wx0000000000000002", "oUser0000000000000000000001"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEYS = new_encryption_key("a")
PHONE = Phone(number="13800138000", country_code="86")


@pytest.fixture
def clock() -> list[datetime]:
    """Return a clock of one element, which tests set."""
    return [START]


@pytest.fixture
def users(engine: AsyncEngine, clock: list[datetime]) -> SqlUsers:
    """Return the users in the database."""
    return SqlUsers(engine, Keyring.parse(KEYS), now=lambda: clock[0])


async def test_a_user_is_added_once(users: SqlUsers, clock: list[datetime]) -> None:
    """A hundred logins at once make one user; a later login only moves `last_seen` and adds a unionid."""
    first = await asyncio.gather(*(users.seen(SHOP, OPENID) for _ in range(100)))
    clock[0] += timedelta(days=1)
    later = await users.seen(SHOP, OPENID, unionid="u1")
    without = await users.seen(SHOP, OPENID)

    assert {user.id for user in first} == {later.id}
    assert (later.first_seen, later.last_seen, later.unionid) == (START, clock[0], "u1")
    assert without.unionid == "u1", "a login without a unionid keeps the known one"
    assert await users.find(SHOP, OPENID) == without
    assert await users.find(CAFE, OPENID) is None


async def test_the_same_openid_of_another_account_is_another_user(users: SqlUsers) -> None:
    """An openid is unique within one account only: the users of two accounts have different ids."""
    assert (await users.seen(SHOP, OPENID)).id != (await users.seen(CAFE, OPENID)).id


async def test_a_phone_number_is_sealed_and_can_be_found(users: SqlUsers, engine: AsyncEngine) -> None:
    """The database holds no digits of the number; a new key finds numbers that were sealed with the one before."""
    user = await users.seen(SHOP, OPENID)
    changed = await users.set_phone(user.id, PHONE)
    assert changed.phone == PHONE
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT phone, phone_fingerprint FROM wxbus_users"))).all()
    assert PHONE.number not in repr(rows)
    assert PHONE.number.encode().hex() not in repr(rows)
    rotated = SqlUsers(engine, Keyring.parse(f"{new_encryption_key('b')},{KEYS}"))
    for one in (users, rotated):
        assert [found.id for found in await one.find_by_phone(SHOP, PHONE)] == [user.id]
        assert await one.find_by_phone(CAFE, PHONE) == []
        found = await one.get(user.id)
        assert found is not None
        assert found.phone == PHONE


async def test_a_sealed_number_belongs_to_its_row(users: SqlUsers, engine: AsyncEngine) -> None:
    """A number that is copied into another user's row does not decrypt."""
    user, other = await users.seen(SHOP, OPENID), await users.seen(CAFE, OPENID)
    await users.set_phone(user.id, PHONE)
    async with engine.begin() as connection:
        copy = "UPDATE wxbus_users SET phone = (SELECT phone FROM wxbus_users WHERE id = :one) WHERE id = :other"
        await connection.execute(text(copy), {"one": user.id, "other": other.id})
    with pytest.raises(ConfigurationError, match=f"user {other.id} cannot be decrypted"):
        await users.get(other.id)


async def test_profile_and_uid_are_replaced(users: SqlUsers) -> None:
    """What the business and the user set is read back; None removes the uid."""
    user = await users.seen(SHOP, OPENID)
    profile = Profile(nickname="小明", gender=1)
    await users.set_profile(user.id, profile, unionid="u1")
    changed = await users.set_uid(user.id, "customer-7")
    assert (changed.profile, changed.unionid, changed.uid) == (profile, "u1", "customer-7")
    assert [found.id for found in await users.find_by_uid(SHOP, "customer-7")] == [user.id]
    assert (await users.set_uid(user.id, None)).uid is None
    assert await users.find_by_uid(SHOP, "customer-7") == []


async def test_the_id_of_an_erased_user_is_not_used_again(users: SqlUsers) -> None:
    """The business keeps data under the id: the next user must not inherit it."""
    erased = await users.seen(SHOP, OPENID)
    await users.erase(erased.id)
    assert (await users.seen(SHOP, "oNext")).id > erased.id


async def test_an_erased_user_leaves_nothing(users: SqlUsers, engine: AsyncEngine) -> None:
    """After erasing there is no row; changes of the user are refused by name, and a login makes a new one."""
    user = await users.seen(SHOP, OPENID)
    assert await users.erase(user.id)
    assert not await users.erase(user.id)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM wxbus_users"))).scalar_one() == 0
    with pytest.raises(UnknownUser):
        await users.set_uid(user.id, "x")
    assert await users.get(user.id) is None


async def test_migrations_make_the_declared_tables(engine: AsyncEngine) -> None:
    """After all migrations the database has the tables of the program; they go down to nothing and up again."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, Base.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    newest = versions()[-1]
    assert await version(engine) == newest
    for target in [*versions()[-2::-1], "base", *versions(), versions()[0], "head"]:
        await migrate(engine, to=target)
        assert await version(engine) == {"base": None, "head": newest}.get(target, target)


async def test_instances_that_start_at_once_migrate_once(engine: AsyncEngine) -> None:
    """Several instances may start at the same moment on an empty database."""
    await migrate(engine, to="base")
    await asyncio.gather(*(migrate(engine) for _ in range(5)))
    assert await version(engine) == versions()[-1] == newest_version()


async def test_tables_of_a_newer_program_are_not_touched(engine: AsyncEngine) -> None:
    """An old program on a new database stops with a reason."""
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608 - a constant
    with pytest.raises(ConfigurationError, match="another version"):
        await migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :v"), {"v": versions()[-1]})  # noqa: S608
