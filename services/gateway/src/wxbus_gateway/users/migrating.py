"""Changes the tables of users to another version, with Alembic."""

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from wxbus.errors import ConfigurationError
from wxbus_gateway.users.database import VERSIONS, current_version, on_connection

LOCK: Final = 0x7778627573
"""PostgreSQL's advisory lock for migrations: one instance migrates, the others wait."""


async def migrate(engine: AsyncEngine, *, to: str = "head") -> None:
    """Bring the tables to the version `to`, up or down.

    Raises:
        UsersUnavailable: The database does not respond.
        ConfigurationError: The tables are of a newer program.
    """

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        config = _alembic()
        config.attributes["connection"] = connection
        if to == "head" or _is_newer(connection, to):
            command.upgrade(config, to)
        else:
            command.downgrade(config, to)

    try:
        await on_connection(engine, run)
    except CommandError as exc:
        raise ConfigurationError(f"the database has tables of another version of wxbus: {exc}") from exc


def versions() -> list[str]:
    """Return all versions, the oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()][::-1]


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent).replace("%", "%%"))
    return config


def _is_newer(connection: Connection, to: str) -> bool:
    known, current = versions(), current_version(connection)
    if to == "base" or to not in known:
        return False
    return current is None or known.index(to) > known.index(current)
