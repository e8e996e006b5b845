"""Runs the worker in one process, in several, or in one that restarts when its handlers change."""

from functools import partial
from pathlib import Path
from typing import Final

import structlog
import uvloop

from wxbus.runtime import logs, telemetry
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.processes import port_for_process, supervise
from wxbus.runtime.signals import stop_signal
from wxbus_worker.app import CLOSE_TIMEOUT, serve
from wxbus_worker.handlers.loading import folder_of, load_router
from wxbus_worker.settings import WorkerSettings

STOP_GRACE: Final = CLOSE_TIMEOUT + 5.0
"""Seconds after the handlers' grace period until a process is killed."""


def work(settings: WorkerSettings, *, processes: int = 1, reload: bool = False) -> None:
    """Handle messages until SIGTERM or SIGINT, then stop gracefully; a second signal stops at once.

    Raises:
        ConfigurationError: The handlers, a setting or a port cannot be used.
    """
    grace = settings.grace + STOP_GRACE
    if reload:
        from wxbus.runtime.reload import run_with_reload

        folder = folder_of(settings.app, app_dir=settings.app_dir)
        package = folder != Path(settings.app_dir).resolve()  # not for a single module
        uvloop.run(run_with_reload(partial(_run_process, settings), folder, recursive=package, grace=grace))
    elif processes == 1:
        uvloop.run(_serve(settings))
    else:
        works = [partial(_run_process, _with_ports(settings, number), process=number) for number in range(processes)]
        uvloop.run(supervise(works, grace=grace))


def _with_ports(settings: WorkerSettings, number: int) -> WorkerSettings:
    ports = {name: port_for_process(getattr(settings, name), number) for name in ("port", "admin_port")}
    return settings.model_copy(update=ports)


def _run_process(settings: WorkerSettings, *, process: int | None = None) -> None:
    """Run as the main function of a process; `process` is its number among several."""
    export = telemetry.start(settings.telemetry, service="worker")
    logs.configure(settings.log, service="worker", export=export)
    if process is not None:
        structlog.contextvars.bind_contextvars(process=process)
    uvloop.run(_serve(settings))


async def _serve(settings: WorkerSettings) -> None:
    router = load_router(settings.app, app_dir=settings.app_dir)
    tune_gc()
    await serve(settings, router, stopping=stop_signal())
