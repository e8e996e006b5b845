"""The commands that show and change what happens in the sandbox. What they need is imported when they run."""

from enum import StrEnum
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_sandbox.cli.options import Url

watching = typer.Typer()


class Kind(StrEnum):
    """The kinds of entries that `tail` shows."""

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
    failed: Annotated[bool, typer.Option("--failed", help="Only failures and retries.")] = False,
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


@watching.command("bad-day")
def bad_day(
    trouble: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TROUBLE[=SHARE]",
            help="slow, lost, busy, tokens, quota, window, allowance, repeats, disorder, closed, clock or key, and the "
            "share of calls or pushes that it hits, like busy=0.2; without one all.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed: the same troubles.")] = 1,
    seconds: Annotated[float, typer.Option(help="The longest delay.", min=0.01, max=600)] = 3,
    off: Annotated[bool, typer.Option("--off", help="End the bad day.")] = False,
    invalidate: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Invalidate the access tokens of this account now.")
    ] = "",
    url: Url = "",
) -> None:
    """Let WeChat fail at random, or show what has failed."""
    from wxbus_sandbox.cli import bad_day as days

    with reporting_errors(code=1):
        try:
            day = days.day_of(trouble or [], seed=seed, seconds=seconds)
        except ValueError as exc:
            raise typer.BadParameter(str(exc)) from exc
        days.bad_day(day, off=off, invalidate=invalidate, url=url)
