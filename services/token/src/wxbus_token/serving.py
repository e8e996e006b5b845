"""The token service as a process."""

import uvloop

from wxbus import logs
from wxbus.cycles import search_seldom
from wxbus.settings import load, tell_unread
from wxbus.stopping import stop_signal
from wxbus_token.app import serving
from wxbus_token.commands.console import CallerSettings
from wxbus_token.settings import TokenSettings


def serve() -> None:
    """Serve until SIGTERM or Ctrl-C; raises ConfigurationError for what cannot be used."""
    settings = load(TokenSettings)
    logs.configure(settings.log, service="token")
    tell_unread(TokenSettings, CallerSettings)
    uvloop.run(_serve(settings))


async def _serve(settings: TokenSettings) -> None:
    stop = stop_signal()
    async with serving(settings):
        search_seldom()
        await stop.wait()
