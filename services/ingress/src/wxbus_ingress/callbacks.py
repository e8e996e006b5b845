"""What happens at `/wechat/{account}`: each request goes through the hops in the order they are written here."""

import asyncio
import time

import structlog
from aiohttp import web

from wxbus.bus.ports import Outlet
from wxbus.errors import UnknownAccount
from wxbus.wechat.callback import CallbackQuery
from wxbus_ingress import page
from wxbus_ingress.body import read_body
from wxbus_ingress.endpoints import Endpoints
from wxbus_ingress.envelopes import envelope_of
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.settings import Limits

PATH = "/wechat/{account}"
SUCCESS = b"success"
ALLOWED = "GET, HEAD, OPTIONS, POST"

log = structlog.stdlib.get_logger(__name__)


class Callbacks:
    """The handlers of the public port."""

    def __init__(self, endpoints: Endpoints, outlet: Outlet, limits: Limits, metrics: Metrics) -> None:
        self._endpoints = endpoints
        self._outlet = outlet
        self._limits = limits
        self._metrics = metrics

    async def receive(self, request: web.Request) -> web.Response:
        """Answer "success" once RabbitMQ has the callback on disk (protocol reference 4.3), and never before.

        Raises:
            CallbackRejected: It is not a callback of the account.
            BrokerUnavailable: No confirm within the budget.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        endpoint = self._endpoints.named(request.match_info["account"])
        body = await read_body(request, self._limits)
        now = time.time()
        opened = endpoint.open(CallbackQuery.from_mapping(request.query), body, now)
        envelope = envelope_of(endpoint.account, opened.document, now)
        await self._outlet.publish(envelope, budget=self._limits.budget - (clock() - started))
        endpoint.accepted.inc()
        self._metrics.seconds.observe(clock() - started)
        log.debug("callback.accepted", account=envelope.account, id=envelope.id, dedup_id=envelope.dedup_id)
        return web.Response(body=SUCCESS, content_type="text/plain")

    async def verify(self, request: web.Request) -> web.Response:
        """Answer WeChat's URL verification (protocol reference 1.2), or a person in a browser with a page."""
        name = request.match_info["account"]
        query = CallbackQuery.from_mapping(request.query)
        if not (query.signature or query.msg_signature):
            return self._page(name)
        endpoint = self._endpoints.named(name)
        answer = endpoint.verify_url(query, time.time())
        endpoint.verified.inc()
        log.info("callback.verified", account=name)
        return web.Response(text=answer, headers={"X-Content-Type-Options": "nosniff"})

    async def options(self, _request: web.Request) -> web.Response:
        """Say which methods there are."""
        return web.Response(status=204, headers={"Allow": ALLOWED})

    def _page(self, name: str) -> web.Response:
        try:
            endpoint = self._endpoints.named(name)
        except UnknownAccount:
            self._metrics.requests.labels("", "page").inc()
            return page.unknown_account()
        self._metrics.requests.labels(name, "page").inc()
        return page.known_account(endpoint.account)
