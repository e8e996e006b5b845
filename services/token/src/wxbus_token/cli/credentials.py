"""The commands `status`, `get`, `refresh` and `reset-quota`."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import typer

from wxbus_token.cli.options import AsJson

if TYPE_CHECKING:
    from wxbus_token.api import messages

ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - the name of the kind, not a token

Appid = Annotated[str, typer.Argument(help="Appid of the account.")]
Kind = Annotated[str, typer.Option(help="WeChat's name of the credential.")]
SharedKind: TypeAlias = Literal[
    "access_token", "jsapi_ticket", "wx_card_ticket", "agent_ticket", "component_access_token"
]
"""Credentials that other services may get."""

COLUMNS = ("appid", "kind", "state", "expires", "refresh", "minute/day", "forced")


def status(
    appid: Annotated[str, typer.Argument(help="Appid of an account; all accounts if it is left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the state of credentials, never their values."""
    from wxbus_token.api.operations import TokenOperations
    from wxbus_token.cli import console

    found = console.call(
        TokenOperations, lambda service: service.status(appid=appid) if appid else service.status_all()
    )
    for note in found.notes:
        typer.echo(note, err=True)
    if as_json:
        console.lines(found.credentials)
        return
    _show(found.credentials)
    if not found.store:
        typer.echo("Redis is unavailable: these are the states in the memory of one instance.", err=True)


def get(
    appid: Appid,
    kind: Annotated[SharedKind, typer.Option(help="WeChat's name of the credential.")] = "access_token",
    show_token: Annotated[bool, typer.Option("--show-token", help="Print only the value.")] = False,
) -> None:
    """Get a valid value, as other services do; print its lifetime and fingerprint, not the value."""
    from wxbus.tokens.services import TokenService
    from wxbus_token.cli import console

    if kind == "access_token":
        token = console.call(TokenService, lambda service: service.get(appid=appid))
        value, expires_in = token.access_token, token.expires_in
    else:
        credential = console.call(TokenService, lambda service: service.get_credential(appid=appid, kind=kind))
        value, expires_in = credential.value, credential.expires_in
    if show_token:
        typer.echo(value)
    else:
        typer.echo(
            f"{kind} of {appid}: valid for {console.duration(expires_in)}, "
            f"{len(value)} characters, {_fingerprint(value)}"
        )


def refresh(
    appid: Appid,
    kind: Kind = ACCESS_TOKEN,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="End the value in use, for example because it has leaked."),
    ] = False,
) -> None:
    """Fetch a credential from WeChat now, after a secret was corrected or an address allowed.

    WeChat may return the same value again.
    """
    from wxbus_token.api.operations import TokenOperations
    from wxbus_token.cli import console

    _show([console.call(TokenOperations, lambda service: service.refresh(appid=appid, kind=kind, replace=replace))])


def reset_quota(appid: Appid) -> None:
    """Reset the daily limits of all calls of an account; WeChat allows it 10 times a month."""
    from wxbus.tokens.services import QuotaService
    from wxbus_token.cli import console

    console.call(QuotaService, lambda service: service.reset(appid=appid))
    typer.echo(f"the daily limits of {appid} are reset")


def _show(statuses: "Sequence[messages.CredentialStatus]") -> None:
    from wxbus_token.cli import console

    console.table(COLUMNS, map(_row, statuses), empty="no credentials: no account has a secret, or none was used yet")
    for status in statuses:
        if status.reason:
            again = f"; the next fetch is in {console.duration(status.retry_in)}" if status.retry_in else ""
            typer.echo(f"{status.appid} {status.kind}: {status.reason}{again}")
        if status.forced_wait:
            typer.echo(
                f"{status.appid} {status.kind}: no forced refresh for another {console.duration(status.forced_wait)}"
            )
        if status.false_reports:
            typer.echo(f"{status.appid} {status.kind}: false reports of the value in use: {status.false_reports}")


def _row(status: "messages.CredentialStatus") -> tuple[object, ...]:
    from wxbus_token.cli import console

    return (
        status.appid,
        status.kind,
        console.mark(status.state),
        console.duration(status.expires_in),
        console.duration(status.refresh_in),
        f"{status.requests_in_minute}/{status.requests_in_day}",
        status.forced_in_day,
    )


def _fingerprint(value: str) -> str:
    return f"sha256 {hashlib.sha256(value.encode()).hexdigest()[:8]}..."
