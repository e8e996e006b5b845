"""`python -m wxbus_worker broadcast`: one message to many users. The commands import what they need when they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors

broadcast = typer.Typer(help="One message to many users; running workers send it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the broadcast.")]
Account = Annotated[str, typer.Option(help="Name or appid of the account.")]


@broadcast.command()
def start(
    account: Account,
    text: Annotated[str | None, typer.Option(help="The message, if it is a text.")] = None,
    message: Annotated[
        Path | None, typer.Option(help='The message as JSON, {"kind": "template", ...}; see the guide.', exists=True)
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File with one openid per line.", exists=True)] = None,
    openid: Annotated[list[str] | None, typer.Option(help="A recipient; repeatable.")] = None,
    tag: Annotated[int | None, typer.Option(help="Id of a tag: all users that have it.")] = None,
    all_followers: Annotated[bool, typer.Option("--all", help="All followers.")] = False,
    rate: Annotated[float, typer.Option(help="Messages per second, of all workers together.", min=0.01, max=1000)] = 50,
    id: Annotated[  # noqa: A002 - the name of the option
        str, typer.Option(help="Id of the broadcast; the id of an interrupted start continues it. Default: a new id.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Collect the recipients, and send nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Send a message to a list, a file, the users with a tag, or all followers; shows the progress."""
    with _functions(context) as functions:
        new = functions.new_broadcast(
            account=account,
            message=functions.read_message(text, message),
            rate=rate,
            id=id,
            tag=tag,
            all_followers=all_followers,
            dry_run=dry_run,
        )
        functions.start(new, file=to, openids=openid or [], detach=detach, yes=yes)


@broadcast.command()
def watch(id: Id, *, context: typer.Context) -> None:  # noqa: A002 - the name of the argument
    """Show the progress of a broadcast until it ends or pauses."""
    with _functions(context) as functions:
        functions.watch(id)


@broadcast.command()
def status(
    id: Id,  # noqa: A002 - the name of the argument
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Show how far a broadcast is, with the refusals by reason."""
    with _functions(context) as functions:
        functions.status(id, as_json=as_json)


@broadcast.command("list")
def list_(context: typer.Context) -> None:
    """List the broadcasts of the last 30 days, the newest first."""
    with _functions(context) as functions:
        functions.list_()


@broadcast.command()
def refused(id: Id, *, context: typer.Context) -> None:  # noqa: A002 - the name of the argument
    """Print the refused recipients with the reasons, as CSV."""
    with _functions(context) as functions:
        functions.refused(id)


@broadcast.command()
def pause(id: Id, *, context: typer.Context) -> None:  # noqa: A002 - the name of the argument
    """Pause a broadcast; messages on their way are still sent."""
    with _functions(context) as functions:
        functions.change(id, "pause")


@broadcast.command()
def resume(id: Id, *, context: typer.Context) -> None:  # noqa: A002 - the name of the argument
    """Resume a paused broadcast; users who have received the message do not get it again."""
    with _functions(context) as functions:
        functions.change(id, "resume")


@broadcast.command()
def cancel(id: Id, *, context: typer.Context) -> None:  # noqa: A002 - the name of the argument
    """End a broadcast; no further user gets the message."""
    with _functions(context) as functions:
        functions.change(id, "cancel")


@contextmanager
def _functions(context: typer.Context) -> Iterator[ModuleType]:
    """Yield the functions of the commands. An error ends the command with one line."""
    from wxbus_worker.cli import broadcasts

    if configure_logs := context.obj:
        configure_logs()
    with reporting_errors():
        yield broadcasts
