"""What a user's phone needs: to send a file, and the menu of an account."""

from aiohttp import web

from wxbus_sandbox.control.api import account_named, http_error
from wxbus_sandbox.families.menus import MenuState
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import SANDBOX


async def upload(request: web.Request) -> web.Response:
    """Keep the body as a file that a user sends; answer with its `media_id`."""
    sandbox = request.app[SANDBOX]
    account = account_named(sandbox, request.query.get("account", ""))
    kind, filename = request.query.get("type", "image"), request.query.get("filename", "")
    try:
        media = sandbox.media.add(account.appid, kind, filename, await request.read())
    except ApiError as exc:
        raise http_error(f"{filename}: {exc.errmsg}") from exc
    return web.json_response({"media_id": media.media_id})


async def menu(request: web.Request) -> web.Response:
    """Answer with the buttons of the default menu of an account, none without a menu."""
    sandbox = request.app[SANDBOX]
    account = account_named(sandbox, request.query.get("account", ""))
    buttons = sandbox.part(account.appid, MenuState).menu or ()
    return web.json_response({"buttons": [button.model_dump(mode="json") for button in buttons]})


def routes() -> list[web.RouteDef]:
    """Return the routes of the phone."""
    return [web.post("/sandbox/media", upload), web.get("/sandbox/menu", menu)]
