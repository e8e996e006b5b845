"""Runs the gateway in one process, or in one that restarts when its services change."""

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import uvloop

from wxbus.aio.waiting import Interrupted, interrupted_by
from wxbus.runtime import logs, telemetry
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.open_files import allow_open_files
from wxbus.runtime.signals import stop_signal
from wxbus_gateway.app import serving
from wxbus_gateway.services.loading import load_application, location_of
from wxbus_gateway.settings import GatewaySettings

STOP_GRACE = 10.0
"""Seconds until a process is killed, after the times for sockets and running calls."""


def serve(settings: GatewaySettings, *, reload: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; raises ConfigurationError if the application or a setting cannot be used."""
    if not reload:
        uvloop.run(_serve(settings))
        return
    from wxbus.runtime.reload import run_with_reload

    folder = location_of(settings.app, app_dir=settings.app_dir).package_folder
    package = folder != Path(settings.app_dir).resolve()  # not for a single module
    grace = settings.drain + settings.grace + STOP_GRACE
    uvloop.run(run_with_reload(partial(_run_process, settings), folder, recursive=package, grace=grace))


def _run_process(settings: GatewaySettings) -> None:
    """Run as the main function of a process."""
    export = telemetry.start(settings.telemetry, service="gateway")
    logs.configure(settings.log, service="gateway", export=export)
    uvloop.run(_serve(settings))


async def _serve(settings: GatewaySettings) -> None:
    stop = stop_signal()
    allow_open_files()
    application = load_application(settings.app, app_dir=settings.app_dir)
    async with AsyncExitStack() as stack:
        try:
            async with interrupted_by(stop):  # the start may wait for the database
                await stack.enter_async_context(serving(settings, application))
        except Interrupted:
            return
        tune_gc()
        await stop.wait()
