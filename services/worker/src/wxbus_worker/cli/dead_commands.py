"""`python -m wxbus_worker dead`: commands for dead letters. They import what they need when they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_worker.cli.filter import Filter, filtered

dead = typer.Typer(help="Messages whose last attempt failed.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@dead.command("list")
@filtered
def list_(
    wanted: Filter,
    as_json: Annotated[bool, typer.Option("--json", help="Print all fields, one JSON object per line.")] = False,
    *,
    context: typer.Context,
) -> None:
    """List dead letters, oldest first. They stay in the queue."""
    with _letters(context) as letters:
        letters.list_(wanted, as_json=as_json)


@dead.command()
def show(
    ids: Annotated[list[str], typer.Argument(help="Ids, or their first characters.")],
    body: Annotated[bool, typer.Option("--body", help="Also show the message, which is a user's data.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Show all fields and the traceback of dead letters."""
    with _letters(context) as letters:
        letters.show(ids, body=body)


@dead.command()
@filtered
def replay(wanted: Filter, yes: Yes = False, *, context: typer.Context) -> None:
    """Publish dead letters to their users' lanes again, as first attempts."""
    with _letters(context) as letters:
        letters.replay(wanted, yes=yes)


@dead.command()
@filtered
def drop(wanted: Filter, yes: Yes = False, *, context: typer.Context) -> None:
    """Delete dead letters. They cannot be restored."""
    with _letters(context) as letters:
        letters.drop(wanted, yes=yes)


@contextmanager
def _letters(context: typer.Context) -> Iterator[ModuleType]:
    """Yield the functions of the commands. An error ends the command with one line.

    `Context.obj` configures the logs: they belong to the process, not to a command.
    """
    from wxbus_worker.cli import dead_letters as letters

    if configure_logs := context.obj:
        configure_logs()
    with reporting_errors():
        yield letters
