"""`python -m wxbus_gateway database`: the version of the tables."""

import asyncio
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors

database = typer.Typer(help="Tables of the gateway's database.", no_args_is_help=True)


@database.command()
def upgrade() -> None:
    """Bring the tables to the version of this program."""
    _migrate("head")


@database.command()
def downgrade(
    to: Annotated[str, typer.Argument(help="Version, as `current` prints it, or base for no tables.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Bring the tables to an older version, for a program of that version."""
    if not yes:
        typer.confirm(
            f"Change the tables to version {to}? Data that the older version cannot store is lost.", abort=True
        )
    _migrate(to)


@database.command()
def current() -> None:
    """Print the version of the tables, and the newest one."""
    from wxbus_gateway.users.database import newest_version

    with reporting_errors():
        found = asyncio.run(_version())
    typer.echo(f"{found or 'base'} (newest: {newest_version()})")


def _migrate(to: str) -> None:
    from wxbus.config.settings import load_for_command
    from wxbus_gateway.settings import DatabaseSettings
    from wxbus_gateway.users.database import open_database
    from wxbus_gateway.users.migrating import migrate

    async def run() -> None:
        async with open_database(load_for_command(DatabaseSettings).database_url.get_secret_value()) as engine:
            await migrate(engine, to=to)

    with reporting_errors():
        asyncio.run(run())


async def _version() -> str | None:
    from wxbus.config.settings import load_for_command
    from wxbus_gateway.settings import DatabaseSettings
    from wxbus_gateway.users.database import open_database, version

    async with open_database(load_for_command(DatabaseSettings).database_url.get_secret_value()) as engine:
        return await version(engine)
