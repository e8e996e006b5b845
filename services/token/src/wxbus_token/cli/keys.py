"""`keys`: API keys of callers."""

from typing import TYPE_CHECKING, Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_token.cli.options import NAME, AsJson

if TYPE_CHECKING:
    from wxbus_token.api.messages import CreatedKey

keys = typer.Typer(help="API keys of callers.", no_args_is_help=True)

HOUR = 3600.0

Name = Annotated[str, typer.Argument(help="Name of the caller.")]
Scopes = Annotated[
    list[str], typer.Option("--scope", help="A scope of the key, like token:get:APPID or token:get:*; repeatable.")
]


@keys.command("new")
def new(name: Name, scope: Scopes) -> None:
    """Print a new key to standard output, and its entry for the API keys file to standard error.

    The first key is made this way: the command needs no running service.
    """
    from wxbus.rpc.auth.keys import new_key

    with reporting_errors(prefix=NAME):
        key, entry = new_key(name, scope)
    _print_key(key)
    typer.echo("Add this to the file of WXBUS_TOKEN_API_KEYS_FILE:", err=True)
    typer.echo(entry.as_toml(), err=True)


@keys.command()
def add(
    name: Name,
    scope: Scopes,
    days: Annotated[float | None, typer.Option(help="Days until the key expires; by default never.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Subject of a client certificate, in place of a key: CN=worker,O=shop.")
    ] = None,
) -> None:
    """Register a key at the running service; print it to standard output, only this time."""
    from wxbus_token.api.admin import KeysService
    from wxbus_token.cli import console

    lifetime = None if days is None else days * 24 * HOUR
    _show(
        console.call(
            KeysService,
            lambda service: service.add(name=name, scopes=scope, lifetime=lifetime, subject=subject),
        )
    )


@keys.command()
def rotate(
    name: Name,
    hours: Annotated[float, typer.Option(help="Hours for which the previous keys stay valid.")] = 24.0,
) -> None:
    """Register another key with the same scopes; print it to standard output, only this time."""
    from wxbus_token.api.admin import KeysService
    from wxbus_token.cli import console

    _show(console.call(KeysService, lambda service: service.rotate(name=name, overlap=hours * HOUR)))


@keys.command()
def revoke(
    name: Name,
    key: Annotated[
        str | None, typer.Option(help="Prefix or subject of one key; without it all keys of this name.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Revoke keys; they become invalid on all instances within seconds."""
    from wxbus_token.api.admin import KeysService
    from wxbus_token.cli import console

    if not yes:
        typer.confirm(f"revoke {key or 'all keys'} of {name}?", abort=True)
    found = console.call(KeysService, lambda service: service.revoke(name=name, key=key))
    typer.echo(f"revoked: {', '.join(found.keys)}")


@keys.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show all keys, those of the API keys file included, without their secret parts."""
    from wxbus_token.api.admin import KeysService
    from wxbus_token.cli import console

    found = console.call(KeysService, lambda service: service.list()).keys
    if as_json:
        console.lines(found)
        return
    rows = (
        (
            entry.key,
            entry.name,
            "\n".join(entry.scopes),
            console.mark(entry.source),
            console.moment(entry.created),
            console.moment(entry.expires),
            console.moment(entry.last_used),
        )
        for entry in found
    )
    console.table(
        ("prefix or subject", "name", "scopes", "source", "created (UTC)", "expires", "last used"),
        rows,
        empty="no keys",
    )


def _show(created: "CreatedKey") -> None:
    from wxbus_token.cli import console

    if created.api_key is not None:
        _print_key(created.api_key)
    until = f", until {console.moment(created.expires)} UTC" if created.expires else ""
    typer.echo(f"{created.name}: {created.key} has the scopes {', '.join(created.scopes)}{until}", err=True)


def _print_key(key: str) -> None:
    typer.echo("The key, shown only once; give it to the caller:", err=True)
    typer.echo(key)
