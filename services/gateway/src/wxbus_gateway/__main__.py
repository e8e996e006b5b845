"""`python -m wxbus_gateway` serves; its commands are for operators."""

from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors, run
from wxbus_gateway.cli.database import database
from wxbus_gateway.cli.users import users

cli = typer.Typer(add_completion=False)
cli.add_typer(users, name="users")
cli.add_typer(database, name="database")


@cli.callback(invoke_without_command=True)
def main(
    command: typer.Context,
    app: Annotated[str, typer.Option(help="Application to serve, package.module:name [WXBUS_GATEWAY_APP].")] = "",
    app_dir: Annotated[
        str, typer.Option(help="Folder that is searched for its module first [WXBUS_GATEWAY_APP_DIR].")
    ] = "",
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the services change.")] = False,
) -> None:
    """Serve Mini Programs until SIGTERM or Ctrl-C. Other settings are WXBUS_... variables."""
    if command.invoked_subcommand:
        return
    from wxbus.config.settings import load, log_unknown_variables
    from wxbus.runtime import logs, telemetry
    from wxbus_gateway.cli.run import serve
    from wxbus_gateway.settings import GatewaySettings

    given = {name: value for name, value in {"app": app, "app_dir": app_dir}.items() if value}
    with reporting_errors():
        settings = load(GatewaySettings).model_copy(update=given)
        export = telemetry.start(settings.telemetry, service="gateway")
        logs.configure(settings.log, service="gateway", export=export)
        log_unknown_variables(GatewaySettings)
        serve(settings, reload=reload)


@cli.command("encryption-key")
def encryption_key(
    key_id: Annotated[str, typer.Argument(help="An id that was not used before, like 2026-01.")],
) -> None:
    """Print a new key for WXBUS_GATEWAY_ENCRYPTION_KEYS."""
    from wxbus.store.keyring import new_encryption_key

    with reporting_errors():
        typer.echo(new_encryption_key(key_id))


if __name__ == "__main__":
    run(cli)
