"""`python -m wxbus_worker dead`: an operator's view of the dead letters."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from wxbus.bus.dead_letters import DeadLetter, DeadLetters
from wxbus.bus.publisher import Publisher
from wxbus.errors import UnreadableEnvelope, WxbusError
from wxbus.settings import BusSettings, load
from wxbus.telemetry import trace_id

T = TypeVar("T")

dead = typer.Typer(help="Messages that no attempt could save.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of letters, or the beginnings of them; none: all.")]
Reason = Annotated[str, typer.Option(help="reject, attempts, unreadable, unhandled, poison, delivery_limit.")]
Account = Annotated[str, typer.Option(help="Name of the account.")]
Openid = Annotated[str, typer.Option(help="The user.")]
ErrorText = Annotated[str, typer.Option("--error", help="Part of the error's text.")]
Since = Annotated[datetime | None, typer.Option(help="Died at or after (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Died before (UTC).")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; what is empty does not matter."""

    ids: tuple[str, ...] = ()
    reason: str = ""
    account: str = ""
    openid: str = ""
    error: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __call__(self, letter: DeadLetter) -> bool:
        """Whether the letter is meant."""
        return (
            (not self.ids or any(letter.id.startswith(one) for one in self.ids))
            and self.reason in {"", letter.reason}
            and self.account in {"", letter.account}
            and self.openid in {"", letter.openid}
            and self.error.lower() in letter.error.lower()
            and (self.since is None or letter.died_at >= self.since.replace(tzinfo=UTC).timestamp())
            and (self.until is None or letter.died_at < self.until.replace(tzinfo=UTC).timestamp())
        )


@dead.command("list")
def list_(
    ids: Ids = None,
    reason: Reason = "",
    account: Account = "",
    openid: Openid = "",
    error: ErrorText = "",
    since: Since = None,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, instead of a table.")] = False,
) -> None:
    """Show the letters, oldest first; they stay where they are."""
    letters = _run(_read(Filter(tuple(ids or ()), reason, account, openid, error, since, until)))
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_fields(letter), ensure_ascii=False))
        return
    table = Table("id", "died (UTC)", "account", "user", "reason", "attempts", "error")
    table.columns[0].overflow = "fold"
    for letter in letters:
        fields = _fields(letter)
        cells = [fields[key] for key in ("id", "died", "account", "openid", "reason", "attempts", "error")]
        table.add_row(*(Text(str(cell)) for cell in cells))
    Console().print(table if letters else "no dead letters")


@dead.command()
def show(
    ids: Annotated[list[str], typer.Argument(help="Ids, or the beginnings of them.")],
    body: Annotated[bool, typer.Option("--body", help="Also the message: a user's own words.")] = False,
) -> None:
    """Show all that is known of letters."""
    letters = _run(_read(Filter(tuple(ids))))
    if not letters:
        typer.echo("no such dead letter", err=True)
        raise typer.Exit(1)
    console = Console()
    for letter in letters:
        table = Table(show_header=False)
        text = letter.body.decode(errors="replace") if body else f"{len(letter.body)} bytes, see --body"
        more = {"traceback": letter.traceback, "body": text}
        for name, value in (_fields(letter) | more).items():
            table.add_row(name, Text(str(value)))
        console.print(table)


@dead.command()
def replay(
    ids: Ids = None,
    reason: Reason = "",
    account: Account = "",
    openid: Openid = "",
    error: ErrorText = "",
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
) -> None:
    """Send letters through their users' lanes again, as first attempts."""
    wanted = Filter(tuple(ids or ()), reason, account, openid, error, since, until)

    async def act() -> tuple[int, int]:
        settings = load(BusSettings)
        url = settings.amqp_url.get_secret_value()
        async with Publisher.open(url, settings.topology, name="replay") as inbox:
            return await _each(wanted, "replay", lambda letters, letter: letters.replay(letter, inbox), yes=yes)

    done, left = _run(act())
    typer.echo(f"{done} replayed" + (f", {left} left: they are unreadable" if left else ""))


@dead.command()
def drop(
    ids: Ids = None,
    reason: Reason = "",
    account: Account = "",
    openid: Openid = "",
    error: ErrorText = "",
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
) -> None:
    """Delete letters for good."""
    wanted = Filter(tuple(ids or ()), reason, account, openid, error, since, until)
    done, _ = _run(_each(wanted, "drop", lambda letters, letter: letters.drop(letter), yes=yes))
    typer.echo(f"{done} dropped")


async def _read(wanted: Filter) -> list[DeadLetter]:
    settings = load(BusSettings)
    async with DeadLetters.open(settings.amqp_url.get_secret_value(), settings.topology) as letters:
        return await _found(letters, wanted)


async def _found(letters: DeadLetters, wanted: Filter) -> list[DeadLetter]:
    found = []
    with _progress() as progress:
        task = progress.add_task("read", total=await letters.count())
        async for letter in letters.read():
            progress.advance(task)
            if wanted(letter):
                found.append(letter)
    return found


async def _each(
    wanted: Filter, what: str, act: Callable[[DeadLetters, DeadLetter], Awaitable[None]], *, yes: bool
) -> tuple[int, int]:
    """Return for how many letters it was done, and for how many it cannot be."""
    settings = load(BusSettings)
    async with DeadLetters.open(settings.amqp_url.get_secret_value(), settings.topology) as letters:
        found = await _found(letters, wanted)
        if found and not yes and not await asyncio.to_thread(typer.confirm, f"{what} {len(found)} letters?"):
            return 0, 0
        done = left = 0
        with _progress() as progress:
            for letter in progress.track(found, description=what):
                try:
                    await act(letters, letter)
                    done += 1
                except UnreadableEnvelope as exc:
                    progress.console.print(str(exc))
                    left += 1
        return done, left


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True))


def _fields(letter: DeadLetter) -> dict[str, str | int | bool]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "account": letter.account,
        "openid": letter.openid,
        "lane": letter.lane,
        "received": _when(letter.received_at),
        "died": _when(letter.died_at),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "error": letter.error,
        "trace_id": trace_id(letter.traceparent) if letter.traceparent else "",
        "replayed": letter.replayed,
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(coroutine)
    except WxbusError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc
