from typing import Annotated

import typer

from wxbus.runtime.command_line import reporting_errors, run
from wxbus_worker.cli.broadcast_commands import broadcast
from wxbus_worker.cli.context_commands import context
from wxbus_worker.cli.dead_commands import dead

cli = typer.Typer(add_completion=False)
cli.add_typer(dead, name="dead")
cli.add_typer(broadcast, name="broadcast")
cli.add_typer(context, name="context")


@cli.callback(invoke_without_command=True)
def main(
    command: typer.Context,
    app: Annotated[
        str, typer.Option(help="Router or MessageHandler to run, package.module:name [WXBUS_WORKER_APP].")
    ] = "",
    app_dir: Annotated[
        str, typer.Option(help="Folder that is searched for its module first [WXBUS_WORKER_APP_DIR].")
    ] = "",
    processes: Annotated[int, typer.Option(min=1, max=64, help="Number of worker processes.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Restart when the handlers change.")] = False,
) -> None:
    """Run handlers. Other settings are WXBUS_... variables."""
    if command.invoked_subcommand:
        command.obj = _log_errors_only
        return
    if reload and processes > 1:
        raise typer.BadParameter("--reload runs one process", param_hint="--processes")
    from wxbus.config.settings import load, log_unknown_variables
    from wxbus.runtime import logs, telemetry
    from wxbus_worker.cli.run import work
    from wxbus_worker.settings import WorkerSettings

    given = {name: value for name, value in {"app": app, "app_dir": app_dir}.items() if value}
    with reporting_errors():
        settings = load(WorkerSettings).model_copy(update=given)
        export = telemetry.start(settings.telemetry, service="worker")
        logs.configure(settings.log, service="worker", export=export)
        log_unknown_variables(WorkerSettings)
        work(settings, processes=processes, reload=reload)


def _log_errors_only() -> None:
    """Configure the logs of a command that prints for a person."""
    from wxbus.config.settings import LogSettings
    from wxbus.runtime import logs

    logs.configure(LogSettings(log_level="error"), service="worker")


if __name__ == "__main__":
    run(cli)
