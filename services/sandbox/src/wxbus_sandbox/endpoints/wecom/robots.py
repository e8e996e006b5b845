"""Answers of robots to a `response_url` (WeCom reference 8.5)."""

from aiohttp import web

from wxbus_sandbox.endpoints.wecom.base import route
from wxbus_sandbox.endpoints.wecom.messages import record
from wxbus_sandbox.rules.responses import ApiError, json_body, ok
from wxbus_sandbox.state import SANDBOX

KINDS = frozenset({"markdown", "template_card"})


async def response(request: web.Request) -> web.Response:
    """Answer a `response_url`, which needs no access token."""
    sandbox, body = request.app[SANDBOX], await json_body(request)
    msgtype = body.get("msgtype")
    if msgtype not in KINDS or not isinstance(body.get(msgtype), dict):
        raise ApiError(40008)
    name, userid = sandbox.robot_codes.use(request.query.get("response_code", ""), sandbox.clock.now())
    record(sandbox, sandbox.accounts.named(name), userid, msgtype, body)
    return ok()


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [route("/cgi-bin/aibot/response", response)]
