"""The command `load`: many users write at a rate, and the promises are checked."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.text import Text

from wxbus.config.settings import load as load_settings
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.load.report import LoadReport, LoadRequest, Times
from wxbus_sandbox.settings import Address

WIDTH: Final = 22
"""Columns of the names in the report."""


def load(request: LoadRequest, *, url: str, as_json: bool) -> int:
    """Run a load, show its progress on a terminal, print the report, and return the exit code.

    Raises:
        SandboxFailure: The sandbox does not answer, rejects the request, or ended during the load.
        ConfigurationError: The sandbox's address is not valid.
    """
    report = asyncio.run(_run(url or load_settings(Address).url, request))
    if as_json:
        typer.echo(json.dumps({**report.model_dump(), "broken": report.broken}, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for name, value in rows(report):
            console.print(Text(f"{name:<{WIDTH}}{value}"))
        console.print(_verdict(report))
    return 1 if report.broken or _is_without_replies(report) else 0


def request_of(**options: Any) -> LoadRequest:
    """Return the request for the options; raises ConfigurationError if one is not valid."""
    try:
        return LoadRequest(**options)
    except ValidationError as exc:
        raise ConfigurationError(validation_messages(exc)) from exc


def rows(report: LoadReport) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the report."""
    yield "messages", f"{report.sent} in {report.seconds:g} s"
    yield "accepted", str(report.accepted)
    yield "refused attempts", str(report.refused)
    yield "late attempts", str(report.late)
    yield "answers", _times(report.answers)
    if report.expects_replies:
        yield "replies", f"{report.replied} of {report.accepted}"
        yield "from push to reply", _times(report.reply_times)
        yield "order inversions", str(report.inverted)
        yield "repeated replies", str(report.repeated)
        yield "lost replies", str(report.lost)


def progress(report: LoadReport) -> str:
    """Return the line that is shown while the load runs."""
    times = f", p99 {report.answers.p99:g} ms" if report.answers else ""
    wrong = report.refused + report.late
    replies = f", {report.replied} replies" if report.expects_replies else ""
    return f"{report.seconds:5.1f} s  {report.sent} sent, {report.accepted} accepted{times}, {wrong} to repeat{replies}"


async def _run(url: str, request: LoadRequest) -> LoadReport:
    console, last = Console(stderr=True, highlight=False), LoadReport(seconds=0)
    async with SandboxClient.open(url) as sandbox, aclosing(sandbox.load(request)) as reports:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            async for last in reports:
                live.update(Text(progress(last), no_wrap=True, overflow="ellipsis"), refresh=console.is_terminal)
    if not last.done:
        raise SandboxFailure(f"the sandbox at {url} ended during the load")
    return last


def _is_without_replies(report: LoadReport) -> bool:
    """Return whether no reply at all was recognised."""
    return report.expects_replies and report.accepted > 0 and not report.replied


def _verdict(report: LoadReport) -> Text:
    if _is_without_replies(report):
        text = "no reply contains the text of its message: run handlers that repeat it, or use --no-replies"
        return Text(text, style="bold red")
    if report.broken:
        return Text(f"broken: {', '.join(report.broken)}", style="bold red")
    return Text("all promises held", style="green")


def _times(times: Times | None) -> str:
    if times is None:
        return "none"
    return f"p50 {times.p50:g} ms, p99 {times.p99:g} ms, p99.9 {times.p999:g} ms, max {times.max:g} ms"
