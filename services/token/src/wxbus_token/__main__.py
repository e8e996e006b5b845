"""`python -m wxbus_token` serves; its commands are for operators."""

from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors, run
from wxbus_token.cli import credentials
from wxbus_token.cli.accounts import accounts
from wxbus_token.cli.keys import keys
from wxbus_token.cli.options import NAME

app = typer.Typer(help="Manage the access tokens of WeChat accounts.", add_completion=False)
app.command()(credentials.status)
app.command()(credentials.get)
app.command()(credentials.refresh)
app.command()(credentials.reset_quota)
app.add_typer(accounts, name="accounts")
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C; settings are `WXBUS_TOKEN_...` variables."""
    if context.invoked_subcommand is not None:
        return
    from wxbus_token.cli.serve import serve

    with reporting_errors(prefix=NAME):
        serve()


@app.command("encryption-key")
def encryption_key(
    key_id: Annotated[str, typer.Argument(help="An id that was not used before, like 2026-01.")],
) -> None:
    """Print a new key for WXBUS_TOKEN_ENCRYPTION_KEYS."""
    from wxbus.store.keyring import new_encryption_key

    with reporting_errors(prefix=NAME):
        typer.echo(new_encryption_key(key_id))


if __name__ == "__main__":
    run(app)
