from pathlib import Path
from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors, run

cli = typer.Typer(add_completion=False)
spool = typer.Typer(no_args_is_help=True, help="Inspect callbacks that wait on disk for RabbitMQ.")
cli.add_typer(spool, name="spool")


@cli.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
) -> None:
    """Receive WeChat's callbacks and publish them to RabbitMQ; settings are WXBUS_... variables."""
    if context.invoked_subcommand is not None:
        return
    import uvloop

    from wxbus.config.settings import load, log_unknown_variables
    from wxbus.runtime import logs, telemetry
    from wxbus_ingress.cli.run import serve_with
    from wxbus_ingress.server import serve
    from wxbus_ingress.settings import IngressSettings

    with reporting_errors():
        settings = load(IngressSettings)
        export = telemetry.start(settings.telemetry, service="ingress")
        logs.configure(settings.log, service="ingress", export=export)
        log_unknown_variables(IngressSettings)
        uvloop.run(serve(settings) if processes == 1 else serve_with(settings, processes))


@spool.command()
def status() -> None:
    """Show every spool of this namespace: its callbacks, their size and age, and whether a process uses it."""
    from wxbus_ingress.cli import spool as spool_cli

    with reporting_errors():
        spool_cli.status()


@spool.command()
def export(
    file: Annotated[Path | None, typer.Option(help="One file, damaged or not; default: all.")] = None,
) -> None:
    """Write the callbacks to standard output: JSON lines, oldest first. They contain the texts of users."""
    from wxbus_ingress.cli import spool as spool_cli

    with reporting_errors():
        spool_cli.export(file)


if __name__ == "__main__":
    run(cli)
