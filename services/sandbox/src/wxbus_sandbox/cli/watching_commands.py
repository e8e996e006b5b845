"""The commands that show and change what happens in the sandbox. What they need is imported when they run."""

from enum import StrEnum
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_sandbox.cli.options import Url

watching = typer.Typer()


class Kind(StrEnum):
    """What `tail` shows."""

    PUSH = "push"
    RETRY = "retry"
    SENT = "sent"
    CALL = "call"


@watching.command()
def tail(
    only: Annotated[list[Kind] | None, typer.Option(help="Only this kind of entry; can be repeated.")] = None,
    account: Annotated[str, typer.Option(help="Only pushes and messages of this account.")] = "",
    openid: Annotated[str, typer.Option(help="Only this user.")] = "",
    path: Annotated[str, typer.Option(metavar="PATTERN", help="Only calls of this path; * matches any text.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only what went wrong.")] = False,
    last: Annotated[int, typer.Option(help="Begin with this many past entries of each kind.", min=0, max=500)] = 0,
    count: Annotated[int, typer.Option(help="End after this many entries; 0: with Ctrl-C.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document for each entry.")] = False,
    url: Url = "",
) -> None:
    """Show callbacks, replies and calls as they come. NO_COLOR switches colours off."""
    from wxbus_sandbox.cli import tail as tailing

    wanted = tailing.Filter(only or (), account, openid, path, failed)
    with reporting_errors(code=1):
        raise typer.Exit(tailing.tail(wanted, last=last, count=count, url=url, as_json=as_json))
