"""The worker without its adapters: its real stages over fakes, or over the adapters of a test."""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

from prometheus_client import CollectorRegistry

from tests.support import installation
from tests.support.envelopes import an_envelope
from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.api.client import WeChatClient
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Delivery, PublisherPort
from wxbus.bus.topology import RETRY_DELAYS
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.wechat import Message
from wxbus.wechat.replies.reply import AnyReply, Text
from wxbus_worker.context.context import Context
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import build_pipeline
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.delivery.stage import Next
from wxbus_worker.delivery.stages.notify_token_service import PlatformEvents
from wxbus_worker.delivery.stages.wait_for_store import StoreAvailability
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.current_delivery import CurrentDelivery
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.reports import UndeliveredReports
from wxbus_worker.robots.sender import RobotSender
from wxbus_worker.store.crash_counter import CrashCounter
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextKey, ContextStore
from wxbus_worker.store.robot_streams import RobotStreams
from wxbus_worker.store.signatures import SignatureGuard
from wxbus_worker.testing import MemoryContextStore
from wxbus_worker.testing.wechat import RecordingSockets, RecordingWeChat

APPID = "wx1"
OPENID = "o_1"
KEY = ContextKey(APPID, OPENID, f"{APPID}:{OPENID}")
SHOP = Account(name="shop", appid=APPID, kind=AccountKind.OFFICIAL_ACCOUNT)
_numbers = itertools.count(1)


def a_text_envelope(content: str = "hello", *, openid: str = OPENID, **fields: Any) -> Envelope:
    """Return an envelope with a user's text; every call makes another message."""
    number = next(_numbers)
    document = {
        "ToUserName": "gh_shop",
        "FromUserName": openid,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": content,
        "MsgId": str(number),
    }
    return an_envelope(number, openid=openid, **{"body": json.dumps(document).encode(), **fields})


def a_text_to_the_shop(content: str, openid: str) -> Envelope:
    """Return an envelope with a user's text to the Official Account of `tests.support.installation`."""
    appid = installation.APPID
    return a_text_envelope(content, openid=openid, account=installation.ACCOUNT, appid=appid, lane=f"{appid}:{openid}")


def an_event_envelope(event: str, *, openid: str | None, lane: str, **more: str) -> Envelope:
    """Return an envelope with an event, of a user or of the system."""
    document = {
        "ToUserName": "gh_shop",
        "FromUserName": openid or "o_wechat",
        "CreateTime": "1700000000",
        "MsgType": "event",
        "Event": event,
        **more,
    }
    number = next(_numbers)
    return an_envelope(number, body=json.dumps(document).encode(), openid=openid, lane=lane)


async def route_for(router: BaseRouter, message: Message, context: Context | None = None) -> Route | None:
    """Return the route that gets a message, or None."""
    delivery = CurrentDelivery(
        id="1",
        attempt=1,
        account=SHOP.name,
        appid=APPID,
        openid=OPENID,
        lane=KEY.lane,
        received_at=0.0,
        redelivered=False,
        replay=False,
        traceparent="",
    )
    call = HandlerCall(
        message=message,
        context=context or Context(APPID, OPENID, router.context_policy),
        account=SHOP,
        client_of=lambda appid: cast("WeChatClient", None),  # noqa: ARG005
        delivery=delivery,
        groups={},
    )
    found = await RouteTable(router).find(call)
    return found[0] if found else None


class FakeWeChat:
    """Accepts replies as WeChat does, or raises the errors of a test."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, AnyReply]] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        """Method, path and options."""
        self.uploads: list[tuple[str, str, bytes]] = []
        """Kind, name and bytes."""
        self.errors: deque[Exception | None] = deque()
        """One for each coming call, None to let it pass; then all pass."""
        self.sending = asyncio.Event()
        """A reply is on its way."""
        self.open = asyncio.Event()
        """Clear it to keep replies on their way."""
        self.open.set()

    async def send(self, openid: str, reply: AnyReply, *, kf_account: str | None = None) -> None:  # noqa: ARG002 - as WeChatClient's
        """Take a reply."""
        self.sending.set()
        await self.open.wait()
        if self.errors and (error := self.errors.popleft()):
            raise error
        self.sent.append((openid, reply))

    async def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Take any other call."""
        self.calls.append((method, path, options))
        return {}

    async def upload_media(self, kind: str, filename: str, data: bytes) -> str:
        """Accept media; their ids are `media-1`, `media-2` ..."""
        self.uploads.append((kind, filename, data))
        return f"media-{len(self.uploads)}"

    @property
    def texts(self) -> list[str]:
        """Return the contents of the texts sent so far."""
        return [reply.content for _, reply in self.sent if isinstance(reply, Text)]


class Rig:
    """The stages of one worker. Two with one store are two workers."""

    def __init__(
        self,
        router: BaseRouter,
        *,
        store: ContextStore | None = None,
        availability: StoreAvailability | None = None,
        account: Account = SHOP,
        pending_grace: float = 3.0,
        pending: PendingReplies | None = None,
        publisher: PublisherPort | None = None,
        wechat: FakeWeChat | None = None,
        delays: tuple[str, ...] = ("1s", "5s", "30s"),
        time_limit: float = 30.0,
        budget: float = 10.0,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        crashes: CrashCounter | None = None,
        signatures: SignatureGuard | None = None,
        platform: PlatformEvents | None = None,
        robot_streams: RobotStreams | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ahead = 0.0
        """Seconds by which the memory's clock runs ahead of `clock`."""
        self.memory = MemoryContextStore(router.context_policy, clock=lambda: clock() + self.ahead)
        self.store: ContextStore = store or self.memory
        self.memory_publisher = MemoryPublisher()
        self.wechat = wechat or FakeWeChat()
        self.metrics = WorkerMetrics(CollectorRegistry())
        client = cast("WeChatClient", self.wechat)
        self.pipeline: Next[Job] = build_pipeline(
            accounts=Accounts({account.name: account}),
            routes=RouteTable(router),
            client_of=lambda _: client,
            contexts=self.store,
            pending=pending or self.memory,
            availability=availability or self.memory,
            outbox=Outbox(
                self.store,
                lambda _: client,
                sockets=RecordingSockets(cast("RecordingWeChat", self.wechat)),
                reports=UndeliveredReports(publisher or self.memory_publisher),
                budget=budget,
                metrics=self.metrics,
                robots=RobotSender(robot_streams, lambda _: client) if robot_streams else None,
            ),
            robot_streams=robot_streams,
            publisher=publisher or self.memory_publisher,
            retries=RetryPolicy(tuple(timedelta(seconds=RETRY_DELAYS[delay]) for delay in delays)),
            metrics=self.metrics,
            handler_time_limit=time_limit,
            pending_grace=pending_grace,
            pause=pause,
            crashes=crashes,
            signatures=signatures,
            platform=platform,
        )
        self.settled = 0
        self._changed = asyncio.Condition()

    async def handle(self, given: Envelope | Delivery) -> Settlement:
        """Handle and settle one delivery."""
        return await self.work(Job(MemoryDelivery(given) if isinstance(given, Envelope) else given))

    async def work(self, job: Job) -> Settlement:
        """Handle and settle the delivery of a job."""
        settlement = await self.pipeline(job)
        self.settled += 1
        async with self._changed:
            self._changed.notify_all()
        return settlement

    async def until_settled(self, count: int) -> None:
        """Return once this many deliveries are settled."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.settled >= count)
