"""`status`, `get` and `refresh`."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxbus_token.cli.options import AsJson

if TYPE_CHECKING:
    from wxbus_token.api import messages

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of the kind, not a token

Appid = Annotated[str, typer.Argument(help="Of the account.")]
Kind = Annotated[str, typer.Option(help="Which credential, by WeChat's name for it.")]

COLUMNS = ("appid", "kind", "state", "expires", "new in", "minute/day", "forced")


def status(
    appid: Annotated[str, typer.Argument(help="Of an account; all if it is left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how credentials are, never what they are."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    if appid:
        found = console.called(
            "token", "status", console.made(messages.AccountRequest, appid=appid), messages.StatusList
        )
    else:
        found = console.called("token", "status_all", messages.Everything(), messages.StatusList)
    for note in found.notes:
        typer.echo(note, err=True)
    if as_json:
        console.lines(found.credentials)
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
    from wxbus.tokens import messages as tokens
    from wxbus_token.cli import console

    if kind == ACCESS_TOKEN:
        answer = console.called("token", "get", console.made(tokens.TokenRequest, appid=appid), tokens.TokenAnswer)
        value, left = answer.access_token, answer.expires_in
    else:
        other = console.called(
            "token",
            "get_credential",
            console.made(tokens.CredentialRequest, appid=appid, kind=kind),
            tokens.CredentialAnswer,
        )
        value, left = other.value, other.expires_in
    if show_token:
        typer.echo(value)
    else:
        typer.echo(f"{kind} of {appid}: valid for {console.span(left)}, {len(value)} characters, {_fingerprint(value)}")


def refresh(
    appid: Appid,
    kind: Kind = ACCESS_TOKEN,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="End the value in use: it may have leaked."),
    ] = False,
) -> None:
    """Ask WeChat now, since a secret was put right or an address allowed; it may give the value that it gave before."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    request = console.made(messages.Refresh, appid=appid, kind=kind, replace=replace)
    _show([console.called("token", "refresh", request, messages.CredentialStatus)])


def _show(statuses: "Sequence[messages.CredentialStatus]") -> None:
    from wxbus_token.cli import console

    console.table(
        COLUMNS, map(_row, statuses), empty="no credentials: no account has a secret, or nobody has wanted one yet"
    )
    for one in statuses:
        if one.reason:
            again = f"; WeChat is asked again in {console.span(one.retry_in)}" if one.retry_in else ""
            typer.echo(f"{one.appid} {one.kind}: {one.reason}{again}")
        if one.forced_wait:
            typer.echo(f"{one.appid} {one.kind}: no forced refresh for another {console.span(one.forced_wait)}")
        if one.false_reports:
            typer.echo(f"{one.appid} {one.kind}: false reports of the value in use: {one.false_reports}")


def _row(status: "messages.CredentialStatus") -> tuple[object, ...]:
    from wxbus_token.cli import console

    return (
        status.appid,
        status.kind,
        console.mark(status.state),
        console.span(status.expires_in),
        console.span(status.refresh_in),
        f"{status.asked_in_minute}/{status.asked_in_day}",
        status.forced_in_day,
    )


def _fingerprint(value: str) -> str:
    return f"sha256 {hashlib.sha256(value.encode()).hexdigest()[:8]}..."
