"""`python -m wxbus_worker context`: commands for contexts. They import what they need when they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors

context = typer.Typer(help="Data that is stored about users between their messages.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="Name of the account in the accounts file, or its appid.")]
OfAccount = Annotated[str, typer.Option("--account", help="Only this account: its name, or its appid.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@context.command("list")
def list_(
    account: OfAccount = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    *,
    context: typer.Context,
) -> None:
    """List users with a context, the next to expire first."""
    with _contexts(context) as contexts:
        contexts.list_(account, as_json=as_json)


@context.command()
def show(
    account: Account,
    openid: Annotated[str, typer.Argument(help="The user's openid.")],
    messages: Annotated[bool, typer.Option("--messages", help="Also print messages and replies.")] = False,
    *,
    context: typer.Context,
) -> None:
    """Print a user's context, which is the user's data."""
    with _contexts(context) as contexts:
        contexts.show(account, openid, messages=messages)


@context.command()
def drop(
    account: Account,
    openids: Annotated[list[str], typer.Argument(help="Openids of the users.")],
    yes: Yes = False,
    *,
    context: typer.Context,
) -> None:
    """Drop contexts. No handler is called; the users start anew."""
    with _contexts(context) as contexts:
        contexts.drop(account, openids, yes=yes)


@context.command("drop-all")
def drop_all(account: OfAccount = "", yes: Yes = False, *, context: typer.Context) -> None:
    """Drop the contexts of all users. No handler is called; the users start anew."""
    with _contexts(context) as contexts:
        contexts.drop_all(account, yes=yes)


@contextmanager
def _contexts(context: typer.Context) -> Iterator[ModuleType]:
    """Yield the functions of the commands. An error ends the command with one line."""
    from wxbus_worker.cli import contexts

    if configure_logs := context.obj:
        configure_logs()
    with reporting_errors():
        yield contexts
