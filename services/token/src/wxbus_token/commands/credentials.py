"""`status`, `get` and `refresh`."""

import hashlib
from collections.abc import Sequence
from typing import Annotated

import typer

from wxbus.rpc.tokens import CredentialAnswer, CredentialRequest, ReportInvalidRequest, TokenAnswer, TokenRequest
from wxbus_token.commands.console import AsJson, called, lines, made, mark, span, table
from wxbus_token.credentials import ACCESS_TOKEN
from wxbus_token.messages import AccountRequest, CredentialStatus, Everything, OneCredential, StatusList

Appid = Annotated[str, typer.Argument(help="Of the account.")]
Kind = Annotated[str, typer.Option(help="Which credential, by WeChat's name for it.")]

COLUMNS = ("appid", "kind", "state", "expires", "new in", "minute/day", "forced")


def status(
    appid: Annotated[str, typer.Argument(help="Of an account; all if it is left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how credentials are, never what they are."""
    if appid:
        found = called("token", "status", made(AccountRequest, appid=appid), StatusList)
    else:
        found = called("token", "status_all", Everything(), StatusList)
    if as_json:
        lines(found.credentials)
        return
    _show(found.credentials)
    if not found.store:
        typer.echo("Redis is away: this is what one instance has in memory.", err=True)


def get(
    appid: Appid,
    kind: Kind = ACCESS_TOKEN,
    show_token: Annotated[bool, typer.Option("--show-token", help="Print the value, and nothing else.")] = False,
) -> None:
    """Get a valid value, as other services do; say what is known of it without showing it."""
    if kind == ACCESS_TOKEN:
        answer = called("token", "get", made(TokenRequest, appid=appid), TokenAnswer)
        value, left = answer.access_token, answer.expires_in
    else:
        other = called("token", "get_credential", made(CredentialRequest, appid=appid, kind=kind), CredentialAnswer)
        value, left = other.value, other.expires_in
    if show_token:
        typer.echo(value)
    else:
        typer.echo(f"{kind} of {appid}: valid for {span(left)}, {len(value)} characters, {_fingerprint(value)}")


def refresh(
    appid: Appid,
    kind: Kind = ACCESS_TOKEN,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="End the access token in use, as if WeChat had refused it: it may have leaked."),
    ] = False,
) -> None:
    """Ask WeChat now, since a secret was put right or an address allowed; it may give the value that it gave before."""
    if replace:
        if kind != ACCESS_TOKEN:
            raise typer.BadParameter("--replace is for access tokens")
        before = called("token", "get", made(TokenRequest, appid=appid), TokenAnswer).access_token
        called("token", "report_invalid", ReportInvalidRequest(appid=appid, token=before), TokenAnswer)
        found = called("token", "status", made(AccountRequest, appid=appid), StatusList).credentials
    else:
        found = [called("token", "refresh", made(OneCredential, appid=appid, kind=kind), CredentialStatus)]
    _show(found)


def _show(statuses: Sequence[CredentialStatus]) -> None:
    table(COLUMNS, map(_row, statuses), empty="no credentials: no account has a secret, or nobody has wanted one yet")
    for one in statuses:
        if one.reason:
            again = f"; WeChat is asked again in {span(one.retry_in)}" if one.retry_in else ""
            typer.echo(f"{one.appid} {one.kind}: {one.reason}{again}")


def _row(status: CredentialStatus) -> tuple[object, ...]:
    return (
        status.appid,
        status.kind,
        mark(status.state),
        span(status.expires_in),
        span(status.refresh_in),
        f"{status.asked_in_minute}/{status.asked_in_day}",
        status.forced_in_day,
    )


def _fingerprint(value: str) -> str:
    return f"sha256 {hashlib.sha256(value.encode()).hexdigest()[:8]}..."
