"""Opens the database of users, whose tables are of the version of this program.

SQLite in a file is the default, for one machine. Several machines share a PostgreSQL.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, column, event, inspect, make_url, select, table
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from wxbus.errors import ConfigurationError
from wxbus_gateway.errors import UsersUnavailable

T = TypeVar("T")

DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
"""The folder of the migrations, `v<version>_<name>.py`."""
VERSION_TABLE: Final = "wxbus_gateway_version"
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""Values of `?sslmode=`, as in libpq, whose default is `prefer`, too."""
POOL: Final = 10
"""Connections to PostgreSQL, and as many more in bursts."""
CONNECT_TIMEOUT: Final = 3.0
"""Seconds for a new connection, and for one of the pool."""
COMMAND_TIMEOUT: Final = 5.0
"""Seconds for a statement in PostgreSQL, and for the write lock of SQLite."""


@asynccontextmanager
async def open_database(
    url: str, *, connect_timeout: float = CONNECT_TIMEOUT, command_timeout: float = COMMAND_TIMEOUT
) -> AsyncIterator[AsyncEngine]:
    """Yield the engine of `sqlite:///folder/file.db` or `postgresql://user:password@host/database`.

    Raises:
        ConfigurationError: It is not such an address; the text does not contain it, because it holds a password.
    """
    engine = _engine(url, connect_timeout, command_timeout)
    try:
        yield engine
    finally:
        await engine.dispose()


async def upgrade(engine: AsyncEngine) -> None:
    """Bring the tables to the version of this program; raises as `migrating.migrate`."""
    if await version(engine) != newest_version():
        from wxbus_gateway.users.migrating import migrate  # noqa: PLC0415 - most starts find the newest tables

        await migrate(engine)


async def version(engine: AsyncEngine) -> str | None:
    """Return the version of the tables, None before the first migration.

    Raises:
        UsersUnavailable: The database does not respond.
    """
    return await on_connection(engine, current_version)


def newest_version() -> str:
    """Return the newest version of the tables that this program knows."""
    return max(VERSIONS.glob("v*.py")).stem.partition("_")[0].removeprefix("v")


def _engine(url: str, connect_timeout: float, command_timeout: float) -> AsyncEngine:
    try:
        parsed = make_url(url)
        driver = DRIVERS[parsed.get_backend_name()]
    except (ArgumentError, KeyError, ValueError):
        # Without its cause, which quotes the address.
        raise ConfigurationError(
            "the database must be sqlite:///folder/file.db or postgresql://user:password@host/database"
        ) from None
    parsed = parsed.set(drivername=driver)
    if driver.startswith("postgresql"):
        return create_async_engine(
            _with_tls(parsed),
            connect_args={"timeout": connect_timeout, "command_timeout": command_timeout},
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=connect_timeout,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("the database needs a file: sqlite:///folder/file.db")
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(f"the folder {folder} of the database cannot be created: {exc.strerror}") from exc
    engine = create_async_engine(parsed, pool_timeout=connect_timeout, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", lambda connection, _: _prepare(connection, command_timeout))
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _with_tls(url: URL) -> URL:
    """Return the address with `sslmode` under the driver's name."""
    mode = url.query.get("sslmode", "prefer")
    if url.query.keys() - {"host", "sslmode"} or mode not in SSL_MODES:
        raise ConfigurationError(
            f"PostgreSQL's address may have host, for a folder of sockets, and sslmode: {', '.join(SSL_MODES)}"
        )
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


def _prepare(connection: Any, lock_timeout: float) -> None:
    connection.isolation_level = None  # transactions begin in `_begin`, not before the first write
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={round(1000 * lock_timeout)}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once if another one has written meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def on_connection(engine: AsyncEngine, run: Callable[[Connection], T]) -> T:
    """Return the result of `run` in a transaction; raises UsersUnavailable if the database does not respond."""
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(run)
    except (OSError, DBAPIError, PoolTimeout) as exc:
        cause = exc.orig if isinstance(exc, DBAPIError) else exc
        raise UsersUnavailable(f"the database of users does not respond: {type(cause).__name__}") from None


def current_version(connection: Connection) -> str | None:
    """Return the version of the tables, None before the first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return found
