"""The commands `python -m wxbus_ingress spool ...`, which read spools while their process runs."""

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
from wxbus_ingress.spool.database import open_for_reading
from wxbus_ingress.spool.location import SUFFIX, is_in_use, list_spools
from wxbus_ingress.spool.rows import read_envelopes, read_stats


def status() -> None:
    """Print a table of the spools of this namespace; raises ConfigurationError for an invalid setting."""
    folder = load(SpoolCommandSettings).folder
    table = Table(title=f"Spools in {folder}", title_justify="left")
    for name in ("file", "process"):
        table.add_column(name)
    for name in ("callbacks", "size", "oldest", "unreadable"):
        table.add_column(name, justify="right")
    for path in list_spools(folder):
        table.add_row(path.name, *_row(path))
    Console().print(table if table.row_count else f"No spools in {folder}.")


def export(file: Path | None) -> None:
    """Write the callbacks of one file or of all to standard output: JSON lines, oldest first.

    Raises:
        ConfigurationError: A setting is invalid.
        typer.Exit: With code 1, after an error on standard error: a file is damaged.
    """
    folder = load(SpoolCommandSettings).folder
    files = [file] if file else [path for path in list_spools(folder) if path.suffix == SUFFIX]
    damaged = False
    for path in files:
        try:
            with open_for_reading(path) as connection:
                for data in read_envelopes(connection):
                    sys.stdout.buffer.write(data + b"\n")
        except sqlite3.Error as exc:
            damaged = True
            typer.echo(f"{path}: {exc}", err=True)
    if damaged:
        raise typer.Exit(1)


def _row(path: Path) -> tuple[str, ...]:
    process = "moved aside" if path.suffix != SUFFIX else "running" if is_in_use(path) else "none"
    try:
        with open_for_reading(path) as connection:
            stats = read_stats(connection)
    except sqlite3.Error as exc:
        return process, "?", decimal(path.stat().st_size), "?", str(exc)
    age = "" if stats.oldest is None else _duration(time.time() - stats.oldest)
    return process, str(stats.rows), decimal(stats.bytes), age, str(stats.unreadable)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
