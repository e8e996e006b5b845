"""The application with WeChat's API, the control API and the page."""

from collections.abc import AsyncIterator, Collection
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from wxbus.accounts.accounts import Accounts
from wxbus_sandbox.control import actions, articles, bad_day, conversations, load, mini_programs, phone
from wxbus_sandbox.control import api as control
from wxbus_sandbox.control import customer_service as agent_control
from wxbus_sandbox.control import platforms as platform_control
from wxbus_sandbox.control import wecom as wecom_control
from wxbus_sandbox.control.origin import HOSTS, refuse_other_sites
from wxbus_sandbox.endpoints import component, credentials, customer_service, declared, media, web_logins
from wxbus_sandbox.endpoints.wecom import routes as wecom
from wxbus_sandbox.page import events, forms, pages
from wxbus_sandbox.pushes.composer import Composer
from wxbus_sandbox.pushes.pusher import Pusher
from wxbus_sandbox.pushes.results import RESULTS, ResultEvents
from wxbus_sandbox.rules.bad_day import BAD_DAYS
from wxbus_sandbox.rules.calls import RECORDER, CallRecorder, record_calls
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.faults import FAULTS, inject_faults
from wxbus_sandbox.rules.quotas import QUOTAS, count_calls
from wxbus_sandbox.rules.responses import ApiError, error_responses
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.state import SANDBOX, Sandbox
from wxbus_sandbox.traces import api as traces

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a body without files; the largest has a picture of 1 MB in Base64."""

OWN_PREFIXES: Final = {"", "sandbox", "v1"}
"""First parts of paths that WeChat does not have."""


def build_app(
    accounts: Accounts,
    *,
    ingress_url: str,
    public_url: str,
    rules: Rules | None = None,
    clock: Clock | None = None,
    allowed_hosts: Collection[str] = (),
    gateway_url: str | None = None,
) -> web.Application:
    """Return the sandbox as an application.

    Args:
        accounts: The accounts of the simulated WeChat.
        ingress_url: Pushes go to `{ingress_url}/wechat/{account}`.
        public_url: The sandbox's own address, for picture URLs in pushes.
        rules: WeChat's limits.
        clock: The time.
        allowed_hosts: Names by which browsers may call the page and the control API, besides that of `public_url`.
        gateway_url: Address of the gateway for browsers: the page of a Mini Program calls it.
    """
    sandbox = Sandbox.new(accounts, rules or Rules(), clock or Clock())
    app = web.Application(
        middlewares=[refuse_other_sites, record_calls, inject_faults, error_responses, count_calls],
        client_max_size=MAX_BODY,
    )
    app[SANDBOX] = sandbox
    app[pages.GATEWAY] = gateway_url or ""
    app[HOSTS] = frozenset({*(name.lower() for name in allowed_hosts), URL(public_url).host or ""})
    app[FAULTS] = sandbox.faults
    app[BAD_DAYS] = sandbox.bad_days
    app[RECORDER] = CallRecorder(sandbox.calls, sandbox.clock, sandbox.tokens)
    app[QUOTAS] = sandbox.quotas
    app[control.COMPOSER] = Composer(
        sandbox.clock, sandbox.media, lambda media_id: f"{public_url.rstrip('/')}/sandbox/media/{media_id}"
    )
    topics = (
        pages,
        events,
        forms,
        control,
        actions,
        bad_day,
        conversations,
        load,
        phone,
        agent_control,
        mini_programs,
        articles,
        platform_control,
        wecom_control,
        component,
        credentials,
        customer_service,
        media,
        wecom,
        web_logins,
        traces,
    )
    own = [route for topic in topics for route in topic.routes()]
    calls = [*own, *declared.routes(route.path for route in own)]
    app.add_routes(calls)
    for prefix in sorted({route.path.split("/")[1] for route in calls} - OWN_PREFIXES):
        app.router.add_route("*", f"/{prefix}/{{call:.*}}", _unknown_call)

    async def pushes(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
            app[control.PUSHER] = pusher = Pusher(sandbox, session, ingress_url)
            async with ResultEvents.open(sandbox, app[control.COMPOSER], pusher) as results:
                app[RESULTS] = results
                yield

    async def close(_app: web.Application) -> None:
        sandbox.close()

    app.cleanup_ctx.append(pushes)
    app.on_shutdown.append(close)
    return app


async def _unknown_call(_request: web.Request) -> web.Response:
    raise ApiError(40066, "invalid url: the sandbox does not have this call")
