"""The worker as processes: one, several side by side, or one that starts again whenever its handlers change."""

from functools import partial
from pathlib import Path
from typing import Final

import structlog
import uvloop

from wxbus.runtime import logs
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.processes import port_for_process, supervise
from wxbus.runtime.signals import stop_signal
from wxbus_worker.app import CLOSE_TIMEOUT, serve
from wxbus_worker.cli.reload import run_with_reload
from wxbus_worker.handlers.loading import folder_of, load_router
from wxbus_worker.settings import WorkerSettings

STOP_GRACE: Final = CLOSE_TIMEOUT + 5.0
"""Seconds beyond the grace of handlers after which a process is killed."""


def work(settings: WorkerSettings, *, processes: int = 1, reload: bool = False) -> None:
    """Handle messages until SIGTERM or SIGINT, then stop with grace; a second signal ends all at once.

    Raises:
        ConfigurationError: The handlers, a setting or a port cannot be used.
    """
    grace = settings.grace + STOP_GRACE
    if reload:
        folder = folder_of(settings.app, app_dir=settings.app_dir)
        package = folder != Path(settings.app_dir).resolve()  # a module alone: not everything below its folder
        uvloop.run(run_with_reload(partial(_be, settings), folder, recursive=package, grace=grace))
    elif processes == 1:
        uvloop.run(_serve(settings))
    else:
        works = [partial(_be, _nth(settings, number), process=number) for number in range(processes)]
        uvloop.run(supervise(works, grace=grace))


def _nth(settings: WorkerSettings, number: int) -> WorkerSettings:
    return settings.model_copy(update={"admin_port": port_for_process(settings.admin_port, number)})


def _be(settings: WorkerSettings, *, process: int | None = None) -> None:
    """Be a process of its own; `process` is its number among several."""
    logs.configure(settings.log, service="worker")
    if process is not None:
        structlog.contextvars.bind_contextvars(process=process)
    uvloop.run(_serve(settings))


async def _serve(settings: WorkerSettings) -> None:
    router = load_router(settings.app, app_dir=settings.app_dir)
    tune_gc()
    await serve(settings, router, stopping=stop_signal())
