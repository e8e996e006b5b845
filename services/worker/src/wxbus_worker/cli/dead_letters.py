"""The functions of the commands that `dead_commands` declares."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from wxbus.bus.dead_letters import DeadLetter, DeadLetters
from wxbus.bus.publisher import Publisher
from wxbus.config.settings import BusSettings, load_for_command
from wxbus.errors import UnreadableEnvelope
from wxbus.telemetry import trace_id
from wxbus_worker.cli.filter import Filter

SHORT_ID: Final = 12
"""Characters of an id that are shown, if they are unique."""


def list_(wanted: Filter, *, as_json: bool) -> None:
    """Print the letters, oldest first."""
    letters = asyncio.run(_read(wanted))
    if as_json:
        for letter in letters:
            body = letter.body.decode(errors="replace")
            typer.echo(json.dumps(_fields(letter) | {"body": body, "traceback": letter.traceback}, ensure_ascii=False))
    elif letters:
        _print_list(letters)
    else:
        typer.echo("no dead letters")


def show(ids: list[str], *, body: bool) -> None:
    """Print all fields of dead letters."""
    letters = asyncio.run(_read(Filter(ids)))
    if not letters:
        typer.echo("no such dead letter", err=True)
        raise typer.Exit(1)
    console = Console()
    for letter in letters:
        table = Table(show_header=False)
        size = f"{len(letter.body)} bytes" + (", below" if body else ", see --body")
        for name, value in (_fields(letter) | {"body": size}).items():
            table.add_row(name, Text(str(value)))
        console.print(table)
        # Not in the table, which would break or cut lines.
        if body:
            console.print(Text(letter.body.decode(errors="replace")), soft_wrap=True)
        if letter.traceback:
            console.print(Text(letter.traceback.rstrip()), soft_wrap=True)


def replay(wanted: Filter, *, yes: bool) -> None:
    """Publish dead letters to their users' lanes again, as first attempts."""

    async def act() -> tuple[int, int]:
        settings = load_for_command(BusSettings)
        url = settings.amqp_url.get_secret_value()
        async with Publisher.open(url, settings.topology, name="replay") as inbox:
            return await _each(wanted, "replay", lambda letters, letter: letters.replay(letter, inbox), yes=yes)

    done, unreadable = asyncio.run(act())
    typer.echo(f"{done} replayed" + (f", {unreadable} unreadable" if unreadable else ""))


def drop(wanted: Filter, *, yes: bool) -> None:
    """Delete dead letters."""
    done, _ = asyncio.run(_each(wanted, "drop", lambda letters, letter: letters.drop(letter), yes=yes))
    typer.echo(f"{done} dropped")


async def _read(wanted: Filter) -> list[DeadLetter]:
    settings = load_for_command(BusSettings)
    async with DeadLetters.open(settings.amqp_url.get_secret_value(), settings.topology) as letters:
        return await _found(letters, wanted)


async def _found(letters: DeadLetters, wanted: Filter) -> list[DeadLetter]:
    found = []
    with _progress(transient=True) as progress:
        task = progress.add_task("read", total=await letters.count())
        async for letter in letters.read():
            progress.advance(task)
            if wanted(letter):
                found.append(letter)
    return sorted(found, key=lambda letter: (letter.died_at or math.inf, letter.received_at, letter.id))


async def _each(
    wanted: Filter, what: str, act: Callable[[DeadLetters, DeadLetter], Awaitable[None]], *, yes: bool
) -> tuple[int, int]:
    """Return how many letters were processed, and how many are unreadable."""
    settings = load_for_command(BusSettings)
    async with DeadLetters.open(settings.amqp_url.get_secret_value(), settings.topology) as letters:
        found = await _found(letters, wanted)
        if found and not yes and not await asyncio.to_thread(typer.confirm, f"{what} {_summary(found)}?"):
            return 0, 0
        done = unreadable = 0
        with _progress() as progress:
            for letter in progress.track(found, description=what):
                try:
                    await act(letters, letter)
                    done += 1
                except UnreadableEnvelope as exc:
                    progress.console.print(str(exc))
                    unreadable += 1
        return done, unreadable


def _progress(*, transient: bool = False) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=transient, disable=not console.is_terminal)


def _print_list(letters: Sequence[DeadLetter]) -> None:
    """Print two lines per letter: a table has no room for the errors."""
    console = Console(highlight=False)
    digits = _unique_digits(letters)
    longest_account = max(len(letter.account) for letter in letters)
    longest_openid = max(len(letter.openid) for letter in letters)
    for letter in letters:
        columns = (
            letter.id[:digits].ljust(digits),
            _when(letter.died_at) or "(unknown time)     ",
            letter.account.ljust(longest_account),
            letter.openid.ljust(longest_openid),
        )
        runs = f"{letter.attempts} run{'s' * (letter.attempts > 1)}" + (", a replay" if letter.replayed else "")
        console.print(Text.assemble(("  ".join(columns), "bold"), f"  {letter.reason}, {runs}"), soft_wrap=True)
        error = Text(f"    {letter.error or '(no error)'}", "dim")
        if console.is_terminal:
            error.truncate(console.width, overflow="ellipsis")
        console.print(error, soft_wrap=True)
    console.print(Text(_summary(letters)))


def _unique_digits(letters: Sequence[DeadLetter]) -> int:
    """Return the number of characters at which the ids are unique."""
    ids = {letter.id for letter in letters}
    longest = max(map(len, ids))
    return next((n for n in range(SHORT_ID, longest) if len({one[:n] for one in ids}) == len(ids)), longest)


def _summary(letters: Sequence[DeadLetter]) -> str:
    reasons = Counter(letter.reason or "(no reason)" for letter in letters)
    counts = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common())
    return f"{len(letters)} letter{'s' * (len(letters) > 1)} ({counts})"


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
        "committed": letter.committed,
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""
