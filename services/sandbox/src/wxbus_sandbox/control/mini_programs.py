"""The control API of Mini Programs: logins, and the data that users share with a page."""

from aiohttp import web

from wxbus_sandbox.control.api import account_named, http_error, read, to_json
from wxbus_sandbox.control.requests import (
    LoginRequest,
    UserDataRequest,
    UserDataResult,
)
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import SANDBOX


async def login(request: web.Request) -> web.Response:
    """Answer with a login code for a user."""
    body, sandbox = await read(request, LoginRequest), request.app[SANDBOX]
    account = account_named(sandbox, body.account)
    return web.json_response({"js_code": sandbox.logins.begin(body.appid or account.appid, body.openid)})


async def user_data(request: web.Request) -> web.Response:
    """Answer with the data that a page receives when a user shares the profile and the phone number."""
    body, sandbox = await read(request, UserDataRequest), request.app[SANDBOX]
    appid = body.appid or account_named(sandbox, body.account).appid
    try:
        profile = sandbox.user_data.profile(appid, body.openid, body.nickname)
        code, phone = sandbox.user_data.phone(appid, body.openid, body.phone)
    except ApiError as exc:
        raise http_error("the user has not logged in: begin with /sandbox/login", status=409) from exc
    return to_json(
        UserDataResult(
            user_info={
                "encryptedData": profile.encrypted_data,
                "iv": profile.iv,
                "rawData": profile.raw_data,
                "signature": profile.signature,
            },
            phone={"code": code, "encryptedData": phone.encrypted_data, "iv": phone.iv},
        )
    )


async def renew_session_key(request: web.Request) -> web.Response:
    """Replace the session key of a user, as WeChat does at a login that the server does not see."""
    body, sandbox = await read(request, LoginRequest), request.app[SANDBOX]
    sandbox.logins.renew_key(body.appid or account_named(sandbox, body.account).appid, body.openid)
    return web.json_response({})


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [
        web.post("/sandbox/login", login),
        web.post("/sandbox/user_data", user_data),
        web.post("/sandbox/session_key", renew_session_key),
    ]
