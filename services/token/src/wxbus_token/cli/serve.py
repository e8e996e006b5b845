"""The token service as a process."""

import uvloop

from wxbus.config.settings import load, log_unknown_variables
from wxbus.runtime import logs, telemetry
from wxbus.runtime.gc import tune_gc
from wxbus.runtime.signals import stop_signal
from wxbus_token.app import serving
from wxbus_token.cli.console import CallerSettings
from wxbus_token.settings import TokenSettings


def serve() -> None:
    """Serve until SIGTERM or Ctrl-C; raises ConfigurationError for wrong settings."""
    settings = load(TokenSettings)
    export = telemetry.start(settings.telemetry, service="token")
    logs.configure(settings.log, service="token", export=export)
    log_unknown_variables(TokenSettings, CallerSettings)
    uvloop.run(_serve(settings))


async def _serve(settings: TokenSettings) -> None:
    stop = stop_signal()
    async with serving(settings):
        tune_gc()
        await stop.wait()
