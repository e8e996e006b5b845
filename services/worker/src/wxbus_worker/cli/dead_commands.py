"""`python -m wxbus_worker dead`: the dead letters, for an operator. What a command needs is imported when it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_worker.cli.filter import Filter, filtered

dead = typer.Typer(help="Messages that no attempt could save.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dead.command("list")
@filtered
def list_(
    wanted: Filter,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, a JSON object a line.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Show the letters, oldest first; they stay where they are."""
    with _letters(context) as letters:
        letters.list_(wanted, as_json=as_json)


@dead.command()
def show(
    ids: Annotated[list[str], typer.Argument(help="Ids, or the beginnings of them.")],
    body: Annotated[bool, typer.Option("--body", help="Also the message: a user's own words.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Show all that is known of letters."""
    with _letters(context) as letters:
        letters.show(ids, body=body)


@dead.command()
@filtered
def replay(wanted: Filter, yes: Yes = False, *, context: typer.Context) -> None:
    """Send letters through their users' lanes again, as first attempts."""
    with _letters(context) as letters:
        letters.replay(wanted, yes=yes)


@dead.command()
@filtered
def drop(wanted: Filter, yes: Yes = False, *, context: typer.Context) -> None:
    """Delete letters for good."""
    with _letters(context) as letters:
        letters.drop(wanted, yes=yes)


@contextmanager
def _letters(context: typer.Context) -> Iterator[ModuleType]:
    """Yield what the commands do; errors end the command with one line.

    The process's entry says how to log (`Context.obj`): the logs belong to the process, not to a command.
    """
    from wxbus_worker.cli import dead_letters as letters

    if set_up_logs := context.obj:
        set_up_logs()
    with reporting_errors():
        yield letters
