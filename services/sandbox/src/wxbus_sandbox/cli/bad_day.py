"""The command `bad-day`: lets WeChat fail at random."""

import asyncio
from collections.abc import Iterable

import typer
from pydantic import ValidationError

from wxbus.config.settings import load
from wxbus.config.validation import validation_messages
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import BadDay, BadDayState, Trouble
from wxbus_sandbox.settings import Address


def day_of(troubles: Iterable[str], *, seed: int, seconds: float) -> BadDay | None:
    """Return the bad day of the arguments, `TROUBLE[=SHARE]`, None without one; raises ValueError for a wrong one."""
    shares: dict[str, str] = {}
    for text in troubles:
        name, _, share = text.partition("=")
        if name not in list(Trouble):
            raise ValueError(f"{name}: there is no such trouble; known: {', '.join(Trouble)}")
        shares[name] = share or "1"
    if not shares:
        return None
    try:
        return BadDay.model_validate({"seed": seed, "seconds": seconds, "troubles": shares})
    except ValidationError as exc:
        raise ValueError(validation_messages(exc)) from exc


def bad_day(day: BadDay | None, *, off: bool, invalidate: str, url: str) -> None:
    """Begin or end a bad day, or invalidate tokens, and print the state.

    Raises:
        SandboxFailure: The sandbox does not answer, or has no such account.
        ConfigurationError: The sandbox's address is not valid.
    """
    for line in asyncio.run(_run(url or load(Address).url, day, off=off, invalidate=invalidate)):
        typer.echo(line)


async def _run(url: str, day: BadDay | None, *, off: bool, invalidate: str) -> list[str]:
    async with SandboxClient.open(url) as sandbox:
        lines = []
        if invalidate:
            await sandbox.invalidate_tokens(invalidate)
            lines.append(f"the tokens of {invalidate} are invalid")
        if off:
            return [*lines, *_lines(await sandbox.end_bad_day()), "the bad day has ended"]
        if day is not None:
            return [*lines, *_lines(await sandbox.begin_bad_day(day))]
        return lines or _lines(await sandbox.bad_day())


def _lines(state: BadDayState) -> list[str]:
    if not state.troubles:
        return ["no bad day"]
    head = f"bad day with seed {state.seed}, delays up to {state.seconds:g} s"
    return [
        head,
        *(
            f"  {name:<10}{share:>4.0%}  happened {state.happened.get(name, 0)} times"
            for name, share in state.troubles.items()
        ),
    ]
