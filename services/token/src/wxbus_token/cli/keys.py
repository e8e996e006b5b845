"""`keys`: API keys of those who call."""

from typing import TYPE_CHECKING, Annotated

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_token.cli.options import NAME, AsJson

if TYPE_CHECKING:
    from wxbus_token.api import messages

keys = typer.Typer(help="API keys of those who call.", no_args_is_help=True)

HOUR = 3600.0

Name = Annotated[str, typer.Argument(help="Whose key it is.")]
Scopes = Annotated[
    list[str], typer.Option("--scope", help="What it may do, like token:get:APPID or token:get:*; repeatable.")
]


@keys.command("new")
def new(name: Name, scope: Scopes) -> None:
    """Print a new key to standard output, this once, and to standard error the entry to add to the API keys file.

    It needs no running service: so the first key comes to be.
    """
    from wxbus.rpc.auth.keys import new_key

    with reporting_errors(prefix=NAME):
        key, entry = new_key(name, scope)
    _hand_over(key)
    typer.echo("To add to the file that WXBUS_TOKEN_API_KEYS_FILE names:", err=True)
    typer.echo(entry.as_toml(), err=True)


@keys.command()
def add(
    name: Name,
    scope: Scopes,
    days: Annotated[float | None, typer.Option(help="It ends after so many days; by itself it does not.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Of a client certificate, in place of a key: CN=worker,O=shop.")
    ] = None,
) -> None:
    """Make a key at the running service; print it to standard output, this once."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    life = None if days is None else days * messages.DAY
    _show(
        console.called(
            "keys",
            "add",
            console.made(messages.NewKey, name=name, scopes=scope, life=life, subject=subject),
            messages.MadeKey,
        )
    )


@keys.command()
def rotate(
    name: Name,
    hours: Annotated[float, typer.Option(help="For so long the keys before are good.")] = 24.0,
) -> None:
    """Make a further key with the same scopes; print it to standard output, this once."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    _show(
        console.called(
            "keys", "rotate", console.made(messages.Rotation, name=name, overlap=hours * HOUR), messages.MadeKey
        )
    )


@keys.command()
def revoke(
    name: Name,
    key: Annotated[str | None, typer.Option(help="Prefix or subject of one of them; all of this name without.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make keys worthless, on all instances within seconds."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    if not yes:
        typer.confirm(f"revoke {key or 'all keys'} of {name}?", abort=True)
    found = console.called("keys", "revoke", console.made(messages.Revocation, name=name, key=key), messages.Revoked)
    typer.echo(f"revoked: {', '.join(found.keys)}")


@keys.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show all keys, those of the file too, by what everybody may see of them."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    found = console.called("keys", "list", messages.Everything(), messages.KeyList).keys
    if as_json:
        console.lines(found)
        return
    rows = (
        (
            one.key,
            one.name,
            "\n".join(one.scopes),
            console.mark(one.source),
            console.moment(one.created),
            console.moment(one.expires),
            console.moment(one.last_used),
        )
        for one in found
    )
    console.table(
        ("prefix or subject", "name", "scopes", "source", "made (UTC)", "ends", "last used"), rows, empty="no keys"
    )


def _show(made_key: "messages.MadeKey") -> None:
    from wxbus_token.cli import console

    if made_key.api_key is not None:
        _hand_over(made_key.api_key)
    ends = f", until {console.moment(made_key.expires)} UTC" if made_key.expires else ""
    typer.echo(f"{made_key.name}: {made_key.key} is good for {', '.join(made_key.scopes)}{ends}", err=True)


def _hand_over(key: str) -> None:
    typer.echo("The key, shown this once; it goes to the caller:", err=True)
    typer.echo(key)
