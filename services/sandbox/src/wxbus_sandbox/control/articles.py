"""The control API of articles; see `requests`."""

from aiohttp import web

from wxbus_sandbox.control.api import account_named, http_error, read
from wxbus_sandbox.control.requests import CommentRequest
from wxbus_sandbox.families.comments import CommentState
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import SANDBOX


async def comment(request: web.Request) -> web.Response:
    """Add a user's comment on an article and answer with its id."""
    body, sandbox = await read(request, CommentRequest), request.app[SANDBOX]
    state = sandbox.part(account_named(sandbox, body.account).appid, CommentState)
    try:
        comment_id = state.add(body.msg_data_id, body.index, body.openid, body.content, sandbox.clock.now())
    except ApiError as exc:
        raise http_error("comments on this article are not open") from exc
    return web.json_response({"comment_id": comment_id})


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.post("/sandbox/comments", comment)]
