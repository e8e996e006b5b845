"""The commands `export` and `play`: conversations as files."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.requests import PlayResult
from wxbus_sandbox.settings import Address


def export(account: str, openids: Sequence[str], file: Path | None, *, url: str) -> None:
    """Write the conversation with an account to a file, or print it.

    Raises:
        SandboxFailure: The sandbox does not answer, or rejects the request.
        ConfigurationError: The file cannot be written.
    """

    async def get() -> str:
        async with SandboxClient.open(url or load(Address).url) as sandbox:
            return await sandbox.export_conversation(account, openids=openids)

    text = asyncio.run(get())
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{file}: {exc.strerror}") from exc


def play(file: Path, account: str, *, url: str, wait: float) -> int:
    """Play a conversation, print what differs, and return the exit code.

    Raises:
        SandboxFailure: The sandbox does not answer, or rejects the file.
        ConfigurationError: The file cannot be read.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{file}: {exc}") from exc

    async def run() -> PlayResult:
        async with SandboxClient.open(url or load(Address).url) as sandbox:
            return await sandbox.play_conversation(text, account=account, wait=wait)

    console, result = Console(highlight=False, soft_wrap=True), asyncio.run(run())
    for turn in result.turns:
        console.print(Text.assemble((f"{turn.user} ", "dim"), turn.title))
        for reply in turn.replies:
            console.print(Text(f"  {reply}", style="green"))
        for difference in turn.differences:
            console.print(Text(f"  {difference}", style="bold red"))
    wrong = sum(bool(turn.differences) for turn in result.turns)
    console.print(
        Text(f"turns: {len(result.turns)}, with differences: {wrong}", style="bold red" if wrong else "green")
    )
    return 1 if wrong else 0
