"""The application: WeChat's API, the control API and the page on one port."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from wxbus.accounts.accounts import Accounts
from wxbus_sandbox import page
from wxbus_sandbox.control import api as control
from wxbus_sandbox.control import platforms as platform_control
from wxbus_sandbox.endpoints import component, credentials, customer_service, media, operations
from wxbus_sandbox.pushes.composing import Composer
from wxbus_sandbox.pushes.pushing import Pusher
from wxbus_sandbox.rules.answers import Refusal, refusals
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.faults import FAULTS, befall
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.state import SANDBOX, Sandbox


def build_app(
    accounts: Accounts,
    *,
    ingress_url: str,
    public_url: str,
    rules: Rules | None = None,
    clock: Clock | None = None,
) -> web.Application:
    """Return the sandbox as an application to be served.

    Args:
        accounts: Those it knows the secrets of.
        ingress_url: Pushes go to `{ingress_url}/wechat/{account}`.
        public_url: Its own address, for the addresses of pictures in pushes.
        rules: WeChat's numbers.
        clock: Its time.
    """
    sandbox = Sandbox.new(accounts, rules or Rules(), clock or Clock())
    app = web.Application(middlewares=[befall, refusals])
    app[SANDBOX] = sandbox
    app[FAULTS] = sandbox.faults
    app[control.COMPOSER] = Composer(
        sandbox.clock, sandbox.media, lambda media_id: f"{public_url.rstrip('/')}/sandbox/media/{media_id}"
    )
    for topic in (page, control, platform_control, component, credentials, customer_service, media, operations):
        app.add_routes(topic.routes())
    for prefix in ("cgi-bin", "sns", "wxa"):
        app.router.add_route("*", f"/{prefix}/{{call:.*}}", _unknown_call)

    async def pusher(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            app[control.PUSHER] = Pusher(sandbox, session, ingress_url)
            yield

    async def let_go(_app: web.Application) -> None:
        sandbox.close()

    app.cleanup_ctx.append(pusher)
    app.on_shutdown.append(let_go)
    return app


async def _unknown_call(_request: web.Request) -> web.Response:
    raise Refusal(40066, "invalid url: the sandbox does not know this call")
