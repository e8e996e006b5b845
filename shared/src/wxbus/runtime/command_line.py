"""Runs a command line whose help says what to type in words that people know."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer

WORDS: Final = {
    "bool": "",
    "str": "TEXT",
    "float": "NUMBER",
    "int": "NUMBER",
    "int range": "NUMBER",
    "datetime": "DATE",
}
"""What help shows for Python's names of types; a flag takes no value, so it shows none."""


def run(app: typer.Typer) -> None:
    """Run the command that the process was started with, and end the process with its exit code."""
    command = typer.main.get_command(app)
    for one in _all(command):
        context = typer.Context(one)
        for parameter in one.get_params(context):
            _put_into_words(parameter, context)
    command()


@contextmanager
def reporting_errors(*, code: int = 2, before: str = "") -> Iterator[None]:
    """Run the block; one of our errors ends the command with its text on standard error, and with this exit code."""
    from wxbus.errors import WxbusError  # noqa: PLC0415 - --help does without it, and it takes as long as all the rest

    try:
        yield
    except WxbusError as exc:
        typer.echo(f"{before}{exc}", err=True)
        raise typer.Exit(code) from exc


def _all(command: Any) -> Iterator[Any]:
    """Yield a command and those below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from _all(below)


def _put_into_words(parameter: Any, context: typer.Context) -> None:
    shown = getattr(parameter, "display_type", None)  # releases of typer before 0.27 show such words themselves
    if shown is None:
        return
    if parameter.param_type_name == "argument":
        word = ""  # its name says it
    elif parameter.metavar:
        word = parameter.metavar
    else:
        name = shown(context).strip("<>").removeprefix("list[").removesuffix("]")
        word = WORDS.get(name, name)
    parameter.display_type_rich = lambda ctx: word  # noqa: ARG005 - typer calls it by this name
