"""Runs a typer command line; its help names the types of options in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer

from wxbus.runtime.gc import collect_less_often

METAVARS: Final = {
    "bool": "",
    "str": "TEXT",
    "float": "NUMBER",
    "float range": "NUMBER",
    "int": "NUMBER",
    "int range": "NUMBER",
    "datetime": "DATE",
    "path": "FILE",
}
"""Words in help texts by type name; flags take no value."""


def run(app: typer.Typer) -> None:
    """Run the command of the process's arguments, and exit with its exit code."""
    collect_less_often()  # the command imports most modules
    root = typer.main.get_command(app)
    for command in _commands(root):
        context = typer.Context(command)
        for parameter in command.get_params(context):
            _set_metavar(parameter, context)
    root()


@contextmanager
def reporting_errors(*, code: int = 2, prefix: str = "") -> Iterator[None]:
    """Run the block; a WxbusError ends the command with its text on standard error and this exit code."""
    from wxbus.errors import WxbusError  # noqa: PLC0415 - --help does not need it, and its import takes half of the time

    try:
        yield
    except WxbusError as exc:
        typer.echo(f"{prefix}{exc}", err=True)
        raise typer.Exit(code) from exc


def _commands(command: Any) -> Iterator[Any]:
    """Yield a command and its subcommands."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from _commands(below)


def _set_metavar(parameter: Any, context: typer.Context) -> None:
    display_type = getattr(parameter, "display_type", None)  # typer before 0.27 shows such words itself
    if display_type is None:
        return
    if parameter.param_type_name == "argument":
        word = ""  # the argument's name is shown
    elif parameter.metavar:
        word = parameter.metavar
    else:
        name = display_type(context).strip("<>").removeprefix("list[").removesuffix("]")
        word = METAVARS.get(name, name)
    parameter.display_type_rich = lambda ctx: word  # noqa: ARG005 - typer passes it by name
