import asyncio
import signal
from typing import Annotated

import typer
import uvloop

from wxbus import logs
from wxbus.errors import ConfigurationError
from wxbus.settings import LogSettings, load
from wxbus_worker.app import serve
from wxbus_worker.dead import dead
from wxbus_worker.loading import load_router
from wxbus_worker.settings import WorkerSettings

cli = typer.Typer(add_completion=False)
cli.add_typer(dead, name="dead")


@cli.callback(invoke_without_command=True)
def main(
    command: typer.Context,
    app: Annotated[str, typer.Option(help="Router to run, package.module:name [WXBUS_WORKER_APP].")] = "",
    app_dir: Annotated[str, typer.Option(help="Where its module is looked for first [WXBUS_WORKER_APP_DIR].")] = "",
) -> None:
    """Run handlers; further settings are read from WXBUS_... variables."""
    if command.invoked_subcommand:
        logs.configure(LogSettings(log_level="error"), service="worker")  # a person reads the output
        return
    given = {name: value for name, value in {"app": app, "app_dir": app_dir}.items() if value}
    try:
        settings = load(WorkerSettings).model_copy(update=given)
        logs.configure(settings.log, service="worker")
        uvloop.run(_until_signal(settings))
    except ConfigurationError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


async def _until_signal(settings: WorkerSettings) -> None:
    """Run until SIGTERM or SIGINT, then stop with grace; a second signal ends the process at once."""
    router = load_router(settings.app, app_dir=settings.app_dir)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await serve(settings, router, stopping=stopping)


if __name__ == "__main__":
    cli()
