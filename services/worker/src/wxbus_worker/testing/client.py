"""Sends messages to handlers as users do, and returns the results."""

import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final, Self, TypeVar

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.passive_answer import delivered_passively
from wxbus.features import Features
from wxbus.messages.bus import Bus, event_request
from wxbus.messages.requests import EventRequest, SendRequest
from wxbus.sockets.presence import Presence
from wxbus.telemetry import new_traceparent
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.tokens import TokenClient
from wxbus.wechat import Message, TextMessage, UserMessage
from wxbus.wechat.documents.document import Value, text
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of
from wxbus_worker.context.context import Context
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import build_pipeline
from wxbus_worker.delivery.settlement import Retry, ToDeadLetters
from wxbus_worker.handlers.base_router import Includable, router_of
from wxbus_worker.handlers.resources import opened
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.undelivered import ReplyUndelivered, Undelivered
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.reports import UndeliveredReports
from wxbus_worker.replies.windows import Windows
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.sweepers.contexts import DueContext
from wxbus_worker.testing.context_store import MemoryContextStore
from wxbus_worker.testing.documents import document_of
from wxbus_worker.testing.log_lines import use_plain_tracebacks
from wxbus_worker.testing.presence import FixedPresence
from wxbus_worker.testing.requests import RecordingRequests
from wxbus_worker.testing.result import Result
from wxbus_worker.testing.tokens import FixedTokens
from wxbus_worker.testing.wechat import RecordingSockets, RecordingWeChat
from wxbus_worker.testing.wecom import RecordingWeCom

M = TypeVar("M", bound=Message)

WECHAT_TIMEOUT: Final = 4.5
"""Seconds. The reply of a slower handler is sent by customer service."""
FIRST_SECOND: Final = 1_700_000_000
"""`created_at` of the first message: the same in every run."""


class HandlerClient:
    """Users of one account, whose messages go directly to the handlers."""

    def __init__(
        self,
        handlers: Includable,
        *,
        openid: str = "o_user",
        account: Account | None = None,
        wechat: RecordingWeChat | None = None,
        provide: Mapping[type, object] | None = None,
        raise_errors: bool = True,
        handler_timeout: float = 30.0,
        retries: RetryPolicy | None = None,
    ) -> None:
        """Test `handlers`.

        Args:
            handlers: A router, or a `MessageHandler`.
            openid: The default user.
            account: The account that users send messages to.
            wechat: WeChat's API. It records messages and uploads.
            provide: Objects in place of those that the router provides, by type. The others are opened in an
                `async with` block, which also runs the hooks: `async with HandlerClient(router) as client:`.
            raise_errors: Whether a handler's error is raised in the test; else it is in the result.
            handler_timeout: Seconds for one call, as `WXBUS_WORKER_HANDLER_TIMEOUT`.
            retries: As `WXBUS_WORKER_RETRY_DELAYS`; blocked lanes do not wait.

        Raises:
            ConfigurationError: There are no handlers.
        """
        use_plain_tracebacks()
        self._router = router = router_of(handlers)
        self._resources = AsyncExitStack()
        self.account = account or Account(name="test", appid="wx_test", kind=AccountKind.OFFICIAL_ACCOUNT)
        self.openid = openid
        self.wechat = wechat or recording(self.account)
        self.contexts = MemoryContextStore(router.context_policy)
        self._requests = RecordingRequests()
        self.connected: set[str] = set()
        """Openids of the users who have a socket, for handlers that take `Presence`."""
        self._provided = Features(
            {
                Contexts: self.contexts,
                Bus: Bus(self._requests),
                TokenClient: FixedTokens(),
                Presence: FixedPresence(self.connected),
                **(provide or {}),
            }
        )
        self.publisher = MemoryPublisher()
        """Scheduled retries and dead letters."""
        self._raise_errors = raise_errors
        self._numbers = itertools.count(1)
        self._now = float(FIRST_SECOND)
        metrics = WorkerMetrics(CollectorRegistry())
        self._pipeline = build_pipeline(
            accounts=Accounts({self.account.name: self.account}),
            routes=RouteTable(router),
            client_of=lambda _: self.wechat,
            contexts=self.contexts,
            pending=self.contexts,
            availability=self.contexts,
            outbox=Outbox(
                self.contexts,
                lambda _: self.wechat,
                sockets=RecordingSockets(self.wechat),
                reports=UndeliveredReports(self.publisher),
                budget=10.0,
                metrics=metrics,
            ),
            publisher=self.publisher,
            retries=retries or RetryPolicy(),
            metrics=metrics,
            handler_time_limit=handler_timeout,
            provided=self._provided,
            windows=Windows(clock=self._tick),
            pause=_at_once,
        )

    async def __aenter__(self) -> Self:
        routers = (self._router, *self._router.included())
        await self._resources.enter_async_context(opened(routers, self._provided))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._resources.aclose()

    def new(self, kind: type[M], **fields: Any) -> M:
        """Return a new message of the default user; `fields` have their Python names."""
        number = next(self._numbers)
        header: dict[str, Any] = {
            "to_user": f"gh_{self.account.name}",
            "from_user": self.openid,
            "created_at": FIRST_SECOND + number,
        }
        if issubclass(kind, UserMessage):
            header["msg_id"] = str(number)
        return kind.model_validate({**header, **fields}, by_name=True)

    @property
    def posted(self) -> Sequence[SendRequest | EventRequest]:
        """Return the messages and events that handlers posted with their `Bus`, oldest first."""
        return self._requests.posted

    async def text(self, content: str) -> Result:
        """Send a text of the default user."""
        return await self.send(self.new(TextMessage, content=content))

    async def send(self, message: Message) -> Result:
        """Send a message. Sent again, it is a duplicate, like WeChat's second push."""
        return await self.push(document_of(message))

    async def push(self, document: Mapping[str, Value]) -> Result:
        """Send a document with WeChat's names of fields, as ingress receives it."""
        appid, whole = self.account.appid, dict(document)
        openid, event = openid_of(whole), text(whole, "Event")
        awaited = self.account.awaits_response(event, openid)
        envelope = Envelope(
            id=new_id(),
            kind=EnvelopeKind.CALLBACK,
            account=self.account.name,
            appid=appid,
            openid=openid,
            lane=lane_of(appid, whole),
            dedup_id=dedup_id(appid, whole),
            body=json.dumps(whole, ensure_ascii=False).encode(),
            received_at=self._tick(),
            traceparent=new_traceparent(),
            reply_to="wechat" if awaited else None,
            expiration=WECHAT_TIMEOUT if awaited else None,
        )
        return await self._handle(envelope)

    async def signal(self, name: str, data: Mapping[str, Any] | BaseModel | None = None, *, openid: str = "") -> Result:
        """Post an event about a user, by default the default user, as `Bus.event` does.

        Raises:
            ValueError: The name or the data cannot be posted.
        """
        request = event_request(self.account.name, openid or self.openid, name, data)
        return await self._handle(request.envelope(account=self.account.name, appid=self.account.appid))

    async def retry(self) -> Result:
        """Run the next attempt of the oldest scheduled retry, as after its delay.

        Raises:
            LookupError: No retry is scheduled.
        """
        if not self.publisher.retries:
            raise LookupError("no retry is scheduled")
        envelope, _ = self.publisher.retries.pop(0)
        return await self._handle(envelope)

    async def expire(self, openid: str = "") -> Result:
        """Let the context of a user, by default the default user, expire.

        Raises:
            LookupError: The user has no context.
        """
        key = ContextKey.of_user(self.account.appid, openid or self.openid)
        version = (await self.contexts.open(key, "")).version
        if not version:
            raise LookupError(f"{key.openid} has no context")
        return await self._handle(DueContext(key.lane, version).envelope(self.account.name))

    def later(self, by: timedelta) -> None:
        """Let time pass before the next message, for WeChat's windows."""
        self._now += by.total_seconds()

    def _tick(self) -> float:
        self._now += 1
        return self._now

    async def context(self, openid: str = "") -> Context:
        """Return the current context of a user, by default the default user."""
        key = ContextKey.of_user(self.account.appid, openid or self.openid)
        return (await self.contexts.open(key, "")).context

    async def _handle(self, envelope: Envelope) -> Result:
        for router in (self._router, *self._router.included()):
            if missing := [kind for kind in router.provided if kind not in self._provided]:
                name = missing[0].__name__
                raise LookupError(
                    f"router {router.name} provides {name}: send messages in `async with HandlerClient(router) as "
                    f"client:`, or give another one with HandlerClient(router, provide={{{name}: ...}})"
                )
        sent, answered = len(self.wechat.sent), len(self.publisher.answered)
        settlement = await self._pipeline(Job(MemoryDelivery(envelope)))
        error = settlement.error if isinstance(settlement, Retry | ToDeadLetters) else None
        if error is not None and self._raise_errors:
            raise error
        passive, document = None, None
        for _, answer in self.publisher.answered[answered:]:
            document = answer.document
            if answer.reply_id:  # as ingress does after its response
                passive = self.contexts.passive(ContextKey.of(envelope), answer.reply_id)
                await self._pipeline(Job(MemoryDelivery(delivered_passively(envelope, answer.reply_id))))
        undelivered = await self._reported()
        return Result(
            replies=[*([passive] if passive else []), *(reply for _, reply in self.wechat.sent[sent:])],
            undelivered=undelivered,
            passive=passive,
            response=document,
            context=(await self.contexts.open(ContextKey.of(envelope), "")).context,
            outcome=settlement.outcome,
            error=error,
            envelope=envelope,
        )

    async def _reported(self) -> Sequence[Undelivered]:
        """Handle the notes about undelivered replies, and return those without a fallback."""
        undelivered = []
        while self.publisher.published:
            envelope = self.publisher.published.pop(0)
            note = ReplyUndelivered.of(envelope)
            if note.instead is None:
                undelivered.append(Undelivered(note.reply, note.error))
            settlement = await self._pipeline(Job(MemoryDelivery(envelope)))
            if isinstance(settlement, Retry) and self._raise_errors:
                raise settlement.error
        return undelivered


def recording(account: Account) -> RecordingWeChat:
    """Return the API in memory of an account."""
    return RecordingWeCom(account) if account.kind is AccountKind.WECOM else RecordingWeChat(account.appid)


async def _at_once(_seconds: float) -> None:
    """Do not wait."""
