"""Answers the requests of the public port, which are below `/wechat/`; calls the next hops in order."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import structlog
from aiohttp import web
from opentelemetry.trace import SpanKind

from wxbus.accounts.models import Account
from wxbus.bus.ports import Inbox
from wxbus.errors import UnknownAccount
from wxbus.runtime.fast_response import FastResponse
from wxbus.runtime.languages import preferred_language
from wxbus.telemetry import is_traced, span, step, trace_id
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.documents.document import Document, scalar_at, text
from wxbus.wechat.replies.event_response import SUCCESS
from wxbus_ingress.accounts.endpoints import Endpoints
from wxbus_ingress.callbacks import page
from wxbus_ingress.callbacks.envelope import make_envelope
from wxbus_ingress.callbacks.errors import ErrorResponses
from wxbus_ingress.callbacks.health_probe import is_probe
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.admission import CostlyBodyQueue, is_costly
from wxbus_ingress.http.body import read_body
from wxbus_ingress.http.deadline import Deadline
from wxbus_ingress.http.request import Request
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.passive.responder import PassiveResponder, WaitingCallback
from wxbus_ingress.settings import Limits

PREFIX = "/wechat/"
METHODS = ("GET", "HEAD", "OPTIONS", "POST")

Handler: TypeAlias = Callable[[Request, str], Awaitable[web.StreamResponse]]
"""Answers a request of one method; the second argument is the path below `PREFIX`."""

log = structlog.stdlib.get_logger(__name__)


class CallbackDispatcher:
    """Answers every request; errors become responses."""

    def __init__(
        self,
        endpoints: Endpoints,
        inbox: Inbox,
        responder: PassiveResponder,
        limits: Limits,
        metrics: Metrics,
        ip_allowlist: IpAllowlist | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`responder` answers callbacks that wait for a worker; without `ip_allowlist` any address is accepted."""
        self._clock = clock
        self._endpoints = endpoints
        self._ip_allowlist = ip_allowlist
        self._inbox = inbox
        self._responder = responder
        self._limits = limits
        self._metrics = metrics
        self._errors = ErrorResponses()
        self._costly_bodies = CostlyBodyQueue()
        self._traced = is_traced()
        self._log = log.bind()  # the module's logger reads its configuration for every line
        self._handlers: dict[str, Handler] = {
            "POST": self._receive,
            "GET": self._verify,
            "HEAD": self._verify,
            "OPTIONS": self._options,
        }

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Return the response to a request; never raises."""
        path = request.path[len(PREFIX) :].removesuffix("/") if request.path.startswith(PREFIX) else ""
        try:
            return await self._handler(request.method, path)(request, path)
        except Exception as exc:
            response, outcome = self._errors.of(exc, request, path)
            self._metrics.requests.labels(self._endpoints.account_name(path), outcome).inc()
            return response

    def _handler(self, method: str, path: str) -> Handler:
        if not path:
            raise web.HTTPNotFound
        if method not in self._handlers:
            raise web.HTTPMethodNotAllowed(method, METHODS)
        return self._handlers[method]

    async def _receive(self, request: Request, path: str) -> web.StreamResponse:
        """Answer "success" after the callback is on disk, never before (protocol reference 4.3)."""
        traceparent = request.headers.get("traceparent", "")  # set by the sandbox, or by a proxy in front of ingress
        if not self._traced:
            return await self._accept(request, path, traceparent if trace_id(traceparent) else "")
        with span("ingress.callback", traceparent, kind=SpanKind.SERVER, url__path=request.path) as current:
            return await self._accept(request, path, current.traceparent)

    async def _accept(self, request: Request, path: str, traceparent: str) -> web.StreamResponse:
        deadline = Deadline(request.first_byte, self._limits.budget)
        endpoint = self._endpoints.find(path)
        body = await read_body(request, self._limits, deadline)
        if self._ip_allowlist is not None:
            self._ip_allowlist.check(request)
        if endpoint.account.cloud_hosting and is_probe(body):
            return web.Response(body=SUCCESS, content_type="text/plain")
        now = self._clock()
        query = CallbackQuery.unescaped(request.raw_query) or CallbackQuery.from_mapping(request.query)
        with step("ingress.open"):
            if is_costly(body):
                opening = partial(endpoint.open, query, body, now)
                opened = await self._costly_bodies.run(opening, timeout=deadline.left())
            else:
                opened = endpoint.open(query, body, now)
        envelope = make_envelope(endpoint.account, opened, query, now, traceparent)
        if _awaits_answer(endpoint.account, opened.document, envelope.openid):
            return await self._responder(
                WaitingCallback(
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
        self._metrics.accept_duration.observe(deadline.used())
        self._log.debug("callback.accepted", account=envelope.account, id=envelope.id)
        return FastResponse.of(b"" if endpoint.account.is_robot else SUCCESS, "text/plain")

    async def _verify(self, request: Request, path: str) -> web.Response:
        """Answer WeChat's URL verification (protocol reference 1.2), or show a page in a browser."""
        query = CallbackQuery.from_mapping(request.query)
        if not (query.signature or query.msg_signature):
            return self._page(request, path)
        if self._ip_allowlist is not None:
            self._ip_allowlist.check(request)
        endpoint = self._endpoints.find(path)
        answer = endpoint.verify_url(query, self._clock())
        endpoint.verified.inc()
        log.info("callback.verified", account=endpoint.account.name)
        return web.Response(text=answer, headers={"X-Content-Type-Options": "nosniff"})

    async def _options(self, _request: Request, _path: str) -> web.Response:
        return web.Response(status=204, headers={"Allow": ", ".join(METHODS)})

    def _page(self, request: Request, path: str) -> web.Response:
        language = preferred_language(request.headers.get("Accept-Language", ""))
        self._metrics.requests.labels(self._endpoints.account_name(path), "page").inc()
        try:
            endpoint = self._endpoints.find(path)
        except UnknownAccount:
            return page.unknown_account(language)
        return page.known_account(endpoint.account, has_keys=endpoint.has_keys, language=language)


def _awaits_answer(account: Account, document: Document, openid: str | None) -> bool:
    """Return whether the callback waits for a worker's answer."""
    if account.reply == "customer_service" and "Event" not in document:  # the usual case
        return False
    if account.is_robot:  # its polls for the rest of a streamed text name no user (WeCom reference 8.3, 8.4)
        return scalar_at(document, "event.eventtype") != "feedback_event"
    return account.awaits_response(text(document, "Event"), openid)
