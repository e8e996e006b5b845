"""Command line: serves the sandbox, or acts as a user of WeChat's."""

import asyncio
import sys
from typing import Annotated, Any

import structlog
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from wxbus import logs
from wxbus.accounts import Accounts
from wxbus.admin import listening
from wxbus.errors import ConfigurationError
from wxbus.settings import load
from wxbus.stopping import stop_signal
from wxbus.wechat.callback import Mode
from wxbus.wechat.codec import Format
from wxbus_sandbox.app import build_app
from wxbus_sandbox.client import SandboxClient, SandboxFailure
from wxbus_sandbox.models import Outcome, SendRequest, SendResult, Sent
from wxbus_sandbox.settings import Address, SandboxSettings

cli = typer.Typer(add_completion=False, no_args_is_help=False)
log = structlog.get_logger(__name__)

QUIET = 0.5
"""Seconds after an answer in which a further one is waited for."""


@cli.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve the sandbox: a stand-in for WeChat's API and for WeChat's users."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = load(SandboxSettings)
        accounts = Accounts.read(settings.accounts.accounts_file)
        logs.configure(settings.log, service="sandbox")
        uvloop.run(_serve(settings, accounts))
    except ConfigurationError as exc:
        sys.exit(str(exc))


@cli.command()
def send(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="MsgType: text, image, ... or event")],
    content: Annotated[str, typer.Argument(help="Content of a text, Event of an event")] = "",
    account: Annotated[str, typer.Option(help="name in the accounts file")] = "shop",
    authorizer: Annotated[str | None, typer.Option(help="appid of who authorised the account, a platform")] = None,
    openid: Annotated[str, typer.Option(help="who does it")] = "oSandboxUser0000000000000001",
    field: Annotated[list[str] | None, typer.Option(help="NAME=VALUE by WeChat's name, may be repeated")] = None,
    mode: Annotated[Mode | None, typer.Option(help="default: the account's first")] = None,
    form: Annotated[Format | None, typer.Option("--format", help="default: the account's first")] = None,
    copies: Annotated[int, typer.Option(help="push the same thing so many times", min=1, max=100)] = 1,
    wait: Annotated[float, typer.Option(help="seconds to wait for an answer, 0: not at all")] = 5.0,
    url: Annotated[str, typer.Option(help="the sandbox's address; default: WXBUS_SANDBOX_HOST and _PORT")] = "",
) -> None:
    """Act as a user: push something to an account, and show what comes back."""
    fields: dict[str, Any] = {}
    for one in field or []:
        name, separator, value = one.partition("=")
        if not separator:
            raise typer.BadParameter(f"{one}: must be NAME=VALUE")
        fields[name] = value
    event = content if kind == "event" else None
    if kind == "event" and not event:
        raise typer.BadParameter("name the event: send event CLICK")
    if content and event is None:
        fields["Content"] = content
    request = SendRequest(
        account=account,
        authorizer_appid=authorizer,
        openid=openid,
        type=kind,
        event=event,
        fields=fields,
        mode=mode,
        format=form.value if form else None,
        copies=copies,
    )
    try:
        result, answers = asyncio.run(_send(url or load(Address).url, request, wait))
    except (SandboxFailure, ConfigurationError) as exc:
        sys.exit(str(exc))
    _show(result, answers)
    sys.exit(0 if result.outcome.settled else 1)


async def _send(url: str, request: SendRequest, wait: float) -> tuple[SendResult, list[Sent]]:
    async with SandboxClient.open(url) as sandbox:
        result = await sandbox.send(request)
        if result.outcome is not Outcome.ACKNOWLEDGED:
            return result, []
        return result, await answers_to(sandbox, request, since=result.time, wait=wait)


async def answers_to(sandbox: SandboxClient, request: SendRequest, *, since: float, wait: float) -> list[Sent]:
    """Return what the user got since then: the first answer within `wait` seconds, and those that follow it closely."""
    answers: list[Sent] = []
    while True:
        found = await sandbox.sent(
            account=request.account, openid=request.openid, since=since, count=len(answers) + 1, wait=wait
        )
        if len(found) == len(answers):
            return found
        answers, wait = found, min(wait, QUIET)


def _show(result: SendResult, answers: list[Sent]) -> None:
    table = Table("attempt", "status", "ms", "outcome", "answer", "reason")
    for number, attempt in enumerate(result.attempts, start=1):
        status = "-" if attempt.status is None else str(attempt.status)
        table.add_row(str(number), status, f"{attempt.ms:.1f}", attempt.outcome, attempt.body[:60], attempt.reason)
    console = Console(markup=False)
    console.print(table)
    if result.shown is not None:
        console.print(f"the user sees: {result.shown}")
    for sent in answers:
        console.print(f"customer service, {sent.msgtype}: {sent.content or sent.payload.get(sent.msgtype)}")


async def _serve(settings: SandboxSettings, accounts: Accounts) -> None:
    stop = stop_signal()
    address = settings.address
    app = build_app(accounts, ingress_url=settings.ingress_url, public_url=address.url, rules=settings.rules)
    async with listening(app, host=address.host, port=address.port) as port:
        log.info("sandbox.listening", host=address.host, port=port, accounts=[account.name for account in accounts])
        await stop.wait()
    log.info("sandbox.stopped")


if __name__ == "__main__":
    cli()
