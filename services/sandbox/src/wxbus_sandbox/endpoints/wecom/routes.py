"""All routes of WeCom's API."""

from aiohttp import web

from wxbus_sandbox.endpoints.wecom import credentials, media, messages, robots


def routes() -> list[web.RouteDef]:
    """Return the routes of all topics."""
    return [route for topic in (credentials, media, messages, robots) for route in topic.routes()]
