"""Calls for commands, and how their outcome is shown; nothing secret is, unless it was asked for."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
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

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)

MARKS: Mapping[str, str] = {"valid": "green", "none": "dim", "file": "dim", "shadowed": "yellow", "ended": "dim"}
"""Colours of words; others that say how something is are red."""

PIPED = 160
"""Columns of a table that no terminal bounds."""


class CallerSettings(BaseSettings):
    """How commands reach the service."""

    model_config = environment("WXBUS_TOKEN_")

    url: str = "http://127.0.0.1:8081"
    """Of the running service."""
    api_key: SecretStr
    """With the scopes of what is to be done."""
    ca_file: Path | None = None
    """Who signs the service's certificate, PEM; those that the system trusts if it is left out."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not re.match("https?://[^/]", url):
            raise ValueError("must be like http://127.0.0.1:8081")
        return url


def called(service: str, method: str, request: BaseModel, answer: type[A]) -> A:
    """Return the service's answer; whatever goes wrong ends the command with one clear text."""
    try:
        return asyncio.run(_call(load_for_command(CallerSettings), service, method, request, answer))
    except ConfigurationError as exc:
        fail(str(exc), code=2)
    except RpcUnavailable as exc:
        fail(f"the token service does not answer at WXBUS_TOKEN_URL: {exc}")
    except RpcFailure as exc:
        fail(_told(exc))


def made(model: type[R], **fields: object) -> R:
    """Return the request with what was typed; ends the command if it does not fit."""
    try:
        return model.model_validate(fields)
    except ValidationError as exc:
        fail(validation_messages(exc), code=2)


def fail(text: str, *, code: int = 1) -> NoReturn:
    """End the command."""
    typer.echo(f"{NAME}{text}", err=True)
    raise typer.Exit(code)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table; cells are texts, never markup."""
    shown = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in shown.columns:
        column.overflow = "fold"  # what was cut off cannot be copied
    shown.columns[0].no_wrap = True
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = PIPED
    console.print(shown if shown.row_count else empty)


def lines(messages: Iterable[BaseModel]) -> None:
    """Print messages as JSON, one a line."""
    for message in messages:
        typer.echo(json.dumps(message.model_dump(mode="json"), ensure_ascii=False))


def mark(word: str) -> Text:
    """Return a word in the colour of what it says."""
    return Text(word, style=MARKS.get(word, "red"))


def span(seconds: float | None) -> str:
    """Return a time as a person says it."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 0:
        return "over"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"


def moment(when: datetime | None) -> str:
    """Return a date as tables have it, UTC."""
    return "" if when is None else f"{when:%Y-%m-%d %H:%M}"


async def _call(settings: CallerSettings, service: str, method: str, request: BaseModel, answer: type[A]) -> A:
    tls = None if settings.ca_file is None else client_tls(ca=settings.ca_file)
    async with Client.open(settings.url, settings.api_key.get_secret_value(), tls=tls) as client:
        return await client.call(service, method, request, answer)


def _told(failure: RpcFailure) -> str:
    match failure.status:
        case 401:
            return "the service does not know the key in WXBUS_TOKEN_API_KEY"
        case 403:
            return f"the key in WXBUS_TOKEN_API_KEY may not do this: {failure.detail or failure.title}"
        case 422:
            return "; ".join(f"{error.get('field')}: {error.get('message')}" for error in failure.errors)
        case _:
            again = "" if failure.retry_after is None else f" (again in {span(failure.retry_after)})"
            return f"{failure.detail or failure.title}{again}"
