"""Calls of the running service for commands, and the output of their answers."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn, TypeVar

import typer
from pydantic import BaseModel, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wxbus.config.settings import environment, load_for_command
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc import Client
from wxbus.rpc.auth.tls import client_tls
from wxbus_token.cli.options import NAME

S = TypeVar("S")
A = TypeVar("A", bound=BaseModel)

MARKS: Mapping[str, str] = {"valid": "green", "none": "dim", "file": "dim", "shadowed": "yellow", "ended": "dim"}
"""Colours of states and sources; all others are red."""

PIPED_WIDTH = 160
"""Columns of a table that is not printed to a terminal."""


class CallerSettings(BaseSettings):
    """Where the service runs, and the API key of commands."""

    model_config = environment("WXBUS_TOKEN_")

    url: str = "http://127.0.0.1:8081"
    """Address of the running service."""
    api_key: SecretStr
    """An API key with the scopes that the command needs."""
    ca_file: Path | None = None
    """Certificate authority of the service's certificate, PEM; by default those that the system trusts."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not re.match("https?://[^/]", url):
            raise ValueError("must be like http://127.0.0.1:8081")
        return url


def call(declaration: Callable[..., S], use: Callable[[S], Awaitable[A]]) -> A:
    """Return the answer of a method of the running service; an error ends the command with one text."""
    try:
        return asyncio.run(_call(load_for_command(CallerSettings), declaration, use))
    except ConfigurationError as exc:
        fail(str(exc), code=2)
    except ValidationError as exc:
        fail(validation_messages(exc), code=2)
    except RpcUnavailable as exc:
        fail(f"the token service does not answer at WXBUS_TOKEN_URL: {exc}")
    except RpcFailure as exc:
        fail(_explanation(exc))


def fail(text: str, *, code: int = 1) -> NoReturn:
    """End the command."""
    typer.echo(f"{NAME}{text}", err=True)
    raise typer.Exit(code)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table; markup in cells is not interpreted."""
    shown = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in shown.columns:
        column.overflow = "fold"  # a cell that is cut off cannot be copied
    shown.columns[0].no_wrap = True
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(shown if shown.row_count else empty)


def lines(messages: Iterable[BaseModel]) -> None:
    """Print messages as JSON, one a line."""
    for message in messages:
        typer.echo(json.dumps(message.model_dump(mode="json"), ensure_ascii=False))


def mark(word: str) -> Text:
    """Return a state or source in its colour."""
    return Text(word, style=MARKS.get(word, "red"))


def duration(seconds: float | None) -> str:
    """Return a duration for people."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 0:
        return "over"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"


def moment(when: datetime | None) -> str:
    """Return a date for tables, in UTC."""
    return "" if when is None else f"{when:%Y-%m-%d %H:%M}"


async def _call(settings: CallerSettings, declaration: Callable[..., S], use: Callable[[S], Awaitable[A]]) -> A:
    tls = None if settings.ca_file is None else client_tls(ca=settings.ca_file)
    async with Client.open(settings.url, settings.api_key.get_secret_value(), tls=tls) as client:
        return await use(client.bind(declaration))


def _explanation(failure: RpcFailure) -> str:
    match failure.status:
        case 401:
            return "the service does not know the key in WXBUS_TOKEN_API_KEY"
        case 403:
            return f"the key in WXBUS_TOKEN_API_KEY may not do this: {failure.detail or failure.title}"
        case 422:
            return "; ".join(f"{error.get('field')}: {error.get('message')}" for error in failure.errors)
        case _:
            retry = "" if failure.retry_after is None else f" (retry in {duration(failure.retry_after)})"
            return f"{failure.detail or failure.title}{retry}"
