"""`python -m wxbus_ingress spool ...`: what an operator sees of the spools, beside the running process."""

import sqlite3
import sys
import time
from pathlib import Path

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from wxbus.config.settings import load
from wxbus_ingress.settings import SpoolCommandSettings
from wxbus_ingress.spool.file import envelopes, read_contents
from wxbus_ingress.spool.open import SUFFIX, files_in, in_use, reading


def status() -> None:
    """Print a table of the spools of this namespace; raises ConfigurationError for a wrong setting."""
    folder = load(SpoolCommandSettings).folder
    table = Table(title=f"Spools in {folder}", title_justify="left")
    for name in ("file", "process"):
        table.add_column(name)
    for name in ("callbacks", "size", "oldest", "unreadable"):
        table.add_column(name, justify="right")
    for path in files_in(folder):
        table.add_row(path.name, *_row(path))
    Console().print(table if table.row_count else f"No spool in {folder} yet.")


def export(file: Path | None) -> None:
    """Write the callbacks of one file, or of all, as JSON lines, oldest first, to standard output.

    Raises:
        ConfigurationError: A setting is wrong.
        typer.Exit: With code 1: a file is damaged, which is said on standard error.
    """
    files = [file] if file else [path for path in files_in(load(SpoolCommandSettings).folder) if path.suffix == SUFFIX]
    damaged = False
    for path in files:
        try:
            with reading(path) as connection:
                for data in envelopes(connection):
                    sys.stdout.buffer.write(data + b"\n")
        except sqlite3.Error as exc:
            damaged = True
            typer.echo(f"{path}: {exc}", err=True)
    if damaged:
        raise typer.Exit(1)


def _row(path: Path) -> tuple[str, ...]:
    process = "moved aside" if path.suffix != SUFFIX else "running" if in_use(path) else "none"
    try:
        with reading(path) as connection:
            contents = read_contents(connection)
    except sqlite3.Error as exc:
        return process, "?", decimal(path.stat().st_size), "?", str(exc)
    age = "" if contents.oldest is None else _duration(time.time() - contents.oldest)
    return process, str(contents.rows), decimal(contents.bytes), age, str(contents.unreadable)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
