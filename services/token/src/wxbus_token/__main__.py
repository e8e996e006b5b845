"""`python -m wxbus_token` serves; `keys new` makes an API key, `vault-key` a key for Redis."""

from typing import Annotated

import typer
import uvloop

from wxbus import logs
from wxbus.errors import ConfigurationError
from wxbus.rpc.keys import new_key
from wxbus.settings import load
from wxbus.stopping import stop_signal
from wxbus_token.app import serving
from wxbus_token.keyring import new_vault_key
from wxbus_token.settings import TokenSettings

app = typer.Typer(help="The one authority for WeChat access tokens.", add_completion=False)
keys = typer.Typer(help="API keys of those who call.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C; settings are `WXBUS_TOKEN_...` variables."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = load(TokenSettings)
        logs.configure(settings.log, service="token")
        uvloop.run(_serve(settings))
    except (ConfigurationError, OSError) as exc:  # OSError: the port is taken
        typer.echo(f"wxbus_token: {exc}", err=True)
        raise typer.Exit(2) from exc


@keys.command("new")
def keys_new(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, like token:get:APPID or token:get:*; repeatable.")],
) -> None:
    """Print a new key to standard output, this once, and to standard error the entry to add to the API keys file."""
    try:
        key, entry = new_key(name, scope)
    except ConfigurationError as exc:
        typer.echo(f"wxbus_token: {exc}", err=True)
        raise typer.Exit(2) from exc
    typer.echo("The key, shown this once; it goes to the caller:", err=True)
    typer.echo(key)
    typer.echo("To add to the file that WXBUS_TOKEN_API_KEYS_FILE names:", err=True)
    typer.echo(entry.as_toml(), err=True)


@app.command("vault-key")
def vault_key(
    key_id: Annotated[str, typer.Argument(help="Any name not used before, like 2026-01.")],
) -> None:
    """Print a new key for WXBUS_TOKEN_VAULT_KEYS."""
    try:
        typer.echo(new_vault_key(key_id))
    except ConfigurationError as exc:
        typer.echo(f"wxbus_token: {exc}", err=True)
        raise typer.Exit(2) from exc


async def _serve(settings: TokenSettings) -> None:
    stop = stop_signal()
    async with serving(settings):
        await stop.wait()


if __name__ == "__main__":
    app()
