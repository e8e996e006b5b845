from typing import Annotated

import typer

from wxbus import logs
from wxbus.errors import ConfigurationError
from wxbus.settings import LogSettings, load, tell_unread
from wxbus_worker.dead import dead
from wxbus_worker.processes import run
from wxbus_worker.settings import WorkerSettings

cli = typer.Typer(add_completion=False)
cli.add_typer(dead, name="dead")


@cli.callback(invoke_without_command=True)
def main(
    command: typer.Context,
    app: Annotated[
        str, typer.Option(help="Router or MessageHandler to run, package.module:name [WXBUS_WORKER_APP].")
    ] = "",
    app_dir: Annotated[str, typer.Option(help="Where its module is looked for first [WXBUS_WORKER_APP_DIR].")] = "",
    processes: Annotated[int, typer.Option(min=1, max=64, help="Workers to run side by side.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the handlers change.")] = False,
) -> None:
    """Run handlers; further settings are read from WXBUS_... variables."""
    if command.invoked_subcommand:
        logs.configure(LogSettings(log_level="error"), service="worker")  # a person reads the output
        return
    if reload and processes > 1:
        raise typer.BadParameter("--reload runs one process", param_hint="--processes")
    given = {name: value for name, value in {"app": app, "app_dir": app_dir}.items() if value}
    try:
        settings = load(WorkerSettings).model_copy(update=given)
        logs.configure(settings.log, service="worker")
        tell_unread(WorkerSettings)
        run(settings, processes=processes, reload=reload)
    except ConfigurationError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(2) from exc


if __name__ == "__main__":
    cli()
