"""`python -m wxbus_token` serves; its commands are for operators."""

from typing import Annotated

import typer
import uvloop

from wxbus import logs
from wxbus.cycles import search_seldom
from wxbus.errors import ConfigurationError
from wxbus.settings import load, tell_unread
from wxbus.stopping import stop_signal
from wxbus_token.app import serving
from wxbus_token.commands import credentials
from wxbus_token.commands.accounts import accounts
from wxbus_token.commands.console import CallerSettings
from wxbus_token.commands.keys import keys
from wxbus_token.keyring import new_vault_key
from wxbus_token.settings import TokenSettings

app = typer.Typer(help="The one authority for WeChat access tokens.", add_completion=False)
app.command()(credentials.status)
app.command()(credentials.get)
app.command()(credentials.refresh)
app.add_typer(accounts, name="accounts")
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C; settings are `WXBUS_TOKEN_...` variables."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = load(TokenSettings)
        logs.configure(settings.log, service="token")
        tell_unread(TokenSettings, CallerSettings)
        uvloop.run(_serve(settings))
    except ConfigurationError as exc:
        typer.echo(f"wxbus_token: {exc}", err=True)
        raise typer.Exit(2) from exc


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
        search_seldom()
        await stop.wait()


if __name__ == "__main__":
    app()
