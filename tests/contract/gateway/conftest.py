"""Databases of users: SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.postgres import postgresql
from wxbus_gateway.users.database import open_database
from wxbus_gateway.users.migrating import migrate


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Yield the address of a PostgreSQL that the session's tests share."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.programs("initdb"))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/users.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """Yield a database with empty tables, which may be slow: no test here is about its time limits."""
    async with open_database(database_url, connect_timeout=60, command_timeout=60) as engine:
        await migrate(engine, to="base")
        await migrate(engine)
        yield engine
