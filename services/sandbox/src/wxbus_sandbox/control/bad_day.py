"""The control API of the bad day; see `models.BadDay`."""

from aiohttp import web

from wxbus_sandbox.control.api import read, to_json
from wxbus_sandbox.models import BadDay
from wxbus_sandbox.state import SANDBOX


async def begin(request: web.Request) -> web.Response:
    """Begin a bad day and answer with its state."""
    days = request.app[SANDBOX].bad_days
    days.begin(await read(request, BadDay))
    return to_json(days.state())


async def state(request: web.Request) -> web.Response:
    """Answer with the troubles, and how often each has happened."""
    return to_json(request.app[SANDBOX].bad_days.state())


async def end(request: web.Request) -> web.Response:
    """End the bad day and answer with what happened on it."""
    days = request.app[SANDBOX].bad_days
    last = days.state()
    days.reset()
    return to_json(last)


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    path = "/sandbox/bad_day"
    return [web.put(path, begin), web.get(path, state), web.delete(path, end)]
