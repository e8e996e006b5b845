"""Shared functions of the endpoints of WeCom."""

from typing import Any, Final, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from wxbus.accounts.models import Account
from wxbus_sandbox.rules.responses import ApiError, json_body
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.state import SANDBOX, Sandbox

PREFIX: Final = "/wecom"
WRONG_PARAMETER: Final = 40058


class Call(NamedTuple):
    """A call with a valid token."""

    sandbox: Sandbox
    account: Account
    body: dict[str, Any]


def route(path: str, handler: Handler) -> web.RouteDef:
    """Return the route of a path of WeCom's API."""
    return web.route("*", PREFIX + path, handler)


def calling_account(request: web.Request) -> tuple[Sandbox, Account]:
    """Return the account of the request's token; raises ApiError as `TokenIssuer.appid_of` does."""
    sandbox = request.app[SANDBOX]
    return sandbox, sandbox.account(sandbox.tokens.appid_of(request.query.get("access_token", ""), Family.WECOM))


async def call_of(request: web.Request) -> Call:
    """Return the state, the calling account and the JSON body of a POST.

    Raises:
        ApiError: The token or the body is wrong.
    """
    sandbox, account = calling_account(request)
    return Call(sandbox, account, await json_body(request))


def text_of(body: dict[str, Any], name: str, *, limit: int = 1024) -> str:
    """Return the text `name` of a body, at most `limit` bytes; raises ApiError 40058."""
    value = body.get(name)
    if not isinstance(value, str) or not value or len(value.encode()) > limit:
        raise ApiError(WRONG_PARAMETER, f"invalid request parameter: {name}")
    return value
