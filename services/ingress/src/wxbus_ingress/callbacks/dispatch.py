"""What happens below `/wechat/`: each request goes through the hops in the order they are written here."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from aiohttp import web

from wxbus.accounts.models import Account
from wxbus.bus.ports import Inbox
from wxbus.errors import UnknownAccount
from wxbus.runtime.fast_response import FastResponse
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.documents.document import Document, text
from wxbus.wechat.replies.reply import SUCCESS
from wxbus_ingress.accounts.endpoints import Endpoints
from wxbus_ingress.callbacks import page
from wxbus_ingress.callbacks.envelope import envelope_of
from wxbus_ingress.callbacks.health_probe import is_probe
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.admission import LARGE
from wxbus_ingress.http.body import read_body
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.server import Request
from wxbus_ingress.http.turns import Turns
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.passive.responder import Call, PassiveResponder
from wxbus_ingress.settings import Limits

PREFIX = "/wechat/"
ALLOWED = "GET, HEAD, OPTIONS, POST"

log = structlog.stdlib.get_logger(__name__)


class Callbacks:
    """The public port: every request that is not answered here raises."""

    def __init__(
        self,
        endpoints: Endpoints,
        inbox: Inbox,
        answering: PassiveResponder,
        limits: Limits,
        metrics: Metrics,
        sources: IpAllowlist | None = None,
    ) -> None:
        """`answering`: of callbacks that wait; `sources`: the addresses that callbacks are taken from, None: any."""
        self._endpoints = endpoints
        self._sources = sources
        self._inbox = inbox
        self._answering = answering
        self._limits = limits
        self._metrics = metrics
        self._turns = Turns()
        self._log = log.bind()  # the module's own looks its configuration up at every line
        self._methods: dict[str, Callable[[Request, str], Awaitable[web.StreamResponse]]] = {
            "POST": self._receive,
            "GET": self._verify,
            "HEAD": self._verify,
            "OPTIONS": self._options,
        }

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Answer a request.

        Raises:
            CallbackRejected: It is not a callback of an account.
            Unavailable: It could not be stored within the budget.
            HTTPException: It is no request for us at all.
        """
        place = place_of(request)
        if not place:
            raise web.HTTPNotFound
        method = self._methods.get(request.method)
        if method is None:
            raise web.HTTPMethodNotAllowed(request.method, ALLOWED.split(", "))
        return await method(request, place)

    async def _receive(self, request: Request, place: str) -> web.StreamResponse:
        """Answer "success" once the callback is on disk (protocol reference 4.3), and never before."""
        deadline = Deadline(request.first_byte, self._limits.budget)
        endpoint = self._endpoints.at(place)
        body = await read_body(request, self._limits, deadline)
        if self._sources is not None:
            self._sources.check(request)
        if endpoint.account.cloud_hosting and is_probe(body):
            return web.Response(body=SUCCESS, content_type="text/plain")
        now = time.time()
        query = CallbackQuery.from_mapping(request.query)
        if len(body) <= LARGE:
            opened = endpoint.open(query, body, now)
        else:
            opened = await self._turns.take(partial(endpoint.open, query, body, now), within=deadline.left())
        envelope = envelope_of(endpoint.account, opened, query, now)
        if _is_awaited(endpoint.account, opened.document, envelope.openid):
            return await self._answering(
                Call(
                    request=request,
                    endpoint=endpoint,
                    opened=opened,
                    nonce=query.nonce,
                    envelope=envelope,
                    deadline=deadline,
                )
            )
        await self._inbox.publish(envelope, budget=deadline.left())
        endpoint.accepted.inc()
        self._metrics.seconds.observe(deadline.used())
        self._log.debug("callback.accepted", account=envelope.account, id=envelope.id)
        return FastResponse.of(SUCCESS, "text/plain")

    async def _verify(self, request: Request, place: str) -> web.Response:
        """Answer WeChat's URL verification (protocol reference 1.2), or a person in a browser with a page."""
        query = CallbackQuery.from_mapping(request.query)
        if not (query.signature or query.msg_signature):
            return self._page(request, place)
        if self._sources is not None:
            self._sources.check(request)
        endpoint = self._endpoints.at(place)
        answer = endpoint.verify_url(query, time.time())
        endpoint.verified.inc()
        log.info("callback.verified", account=endpoint.account.name)
        return web.Response(text=answer, headers={"X-Content-Type-Options": "nosniff"})

    async def _options(self, _request: Request, _place: str) -> web.Response:
        """Say which methods there are."""
        return web.Response(status=204, headers={"Allow": ALLOWED})

    def _page(self, request: Request, place: str) -> web.Response:
        language = page.preferred_language(request.headers.get("Accept-Language", ""))
        self._metrics.requests.labels(self._endpoints.label(place), "page").inc()
        try:
            endpoint = self._endpoints.at(place)
        except UnknownAccount:
            return page.unknown_account(language)
        return page.known_account(endpoint.account, takes=endpoint.has_keys, language=language)


def _is_awaited(account: Account, document: Document, openid: str | None) -> bool:
    """Whether a worker's answer is waited for; of the usual message that is said without a look at it."""
    if account.reply == "customer_service" and "Event" not in document:
        return False
    return account.awaits_response(text(document, "Event"), openid)


def place_of(request: Request) -> str:
    """Return what stands behind `/wechat/` in the path, without a slash at its end; "" if there is none."""
    path = request.path
    return path[len(PREFIX) :].removesuffix("/") if path.startswith(PREFIX) else ""
