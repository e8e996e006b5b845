from typing import Annotated

import typer
import uvloop

from wxbus import logs
from wxbus.errors import ConfigurationError
from wxbus.settings import load, tell_unread
from wxbus_ingress import spool_cli
from wxbus_ingress.processes import serve_with
from wxbus_ingress.server import serve
from wxbus_ingress.settings import IngressSettings

cli = typer.Typer(add_completion=False)
cli.add_typer(spool_cli.cli, name="spool")


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    processes: Annotated[int, typer.Option(min=1, max=64, help="processes that share the port")] = 1,
) -> None:
    """Take WeChat's callbacks and hand them to RabbitMQ; settings are read from WXBUS_... variables."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = load(IngressSettings)
        logs.configure(settings.log, service="ingress")
        tell_unread(IngressSettings)
        uvloop.run(serve(settings) if processes == 1 else serve_with(settings, processes))
    except ConfigurationError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


if __name__ == "__main__":
    cli()
