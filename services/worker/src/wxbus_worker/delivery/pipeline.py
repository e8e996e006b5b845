"""The stages of a delivery, each with the reason for its place."""

import asyncio
from collections.abc import Awaitable, Callable

from wxbus.accounts.file import AccountLookup
from wxbus.api.client import WeChatClient
from wxbus.bus.ports import PublisherPort
from wxbus.features import Features
from wxbus_worker.customer_service.pull import CustomerServicePuller
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.stage import Next, compose
from wxbus_worker.delivery.stages.call_handler import CallHandler
from wxbus_worker.delivery.stages.call_on_dead import CallOnDead
from wxbus_worker.delivery.stages.decode import Decode
from wxbus_worker.delivery.stages.detect_crashes import DetectCrashes
from wxbus_worker.delivery.stages.dispatch import Dispatch
from wxbus_worker.delivery.stages.finish import Finish
from wxbus_worker.delivery.stages.handle_message import HandleMessage
from wxbus_worker.delivery.stages.handle_undelivered import HandleUndelivered
from wxbus_worker.delivery.stages.notify_token_service import NotifyTokenService, PlatformEvents
from wxbus_worker.delivery.stages.refuse_reused_signature import RefuseReusedSignature
from wxbus_worker.delivery.stages.settle import Settle
from wxbus_worker.delivery.stages.trace import Trace
from wxbus_worker.delivery.stages.wait_for_store import StoreAvailability, WaitForStore
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.passive import Answerer
from wxbus_worker.replies.windows import Windows
from wxbus_worker.robots.answers import RobotAnswers
from wxbus_worker.store.crash_counter import CrashCounter
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextStore
from wxbus_worker.store.robot_streams import RobotStreams
from wxbus_worker.store.signatures import SignatureGuard


def build_pipeline(
    *,
    accounts: AccountLookup,
    routes: RouteTable,
    client_of: Callable[[str], WeChatClient],
    contexts: ContextStore,
    pending: PendingReplies,
    availability: StoreAvailability,
    outbox: Outbox,
    publisher: PublisherPort,
    retries: RetryPolicy,
    metrics: WorkerMetrics,
    handler_time_limit: float,
    pending_grace: float = 3.0,
    crashes: CrashCounter | None = None,
    signatures: SignatureGuard | None = None,
    platform: PlatformEvents | None = None,
    customer_service: CustomerServicePuller | None = None,
    robot_streams: RobotStreams | None = None,
    provided: Features | None = None,
    windows: Windows | None = None,
    trace_contexts: bool = False,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Next[Job]:
    """Return the handling of one delivery, from its bytes to its settlement.

    Args:
        accounts: Of all messages.
        routes: The handlers.
        client_of: Returns WeChat's API for an appid.
        contexts: The users' contexts and outboxes.
        pending: Replies that wait for ingress.
        availability: Waits until Redis is available again.
        outbox: Sends replies.
        publisher: Publishes answers, retries and dead letters.
        retries: Policy of routes without one.
        metrics: Counts outcomes.
        handler_time_limit: Seconds for one run of a handler.
        pending_grace: Seconds for ingress's note after its deadline.
        crashes: Counts attempts that did not end; None: a crash cannot happen, as in tests of handlers.
        signatures: Of plain messages; None: no account accepts those.
        platform: Receives the events of third-party platforms; None: there are none.
        robot_streams: Streamed texts of robots; None: each text is shown when its handler has ended.
        customer_service: Pulls messages of WeChat Customer Service; None: its pushes are events like others.
        provided: Objects that handlers can take by type besides those of the message; None: nothing.
        windows: Counts messages against WeChat's windows.
        trace_contexts: Whether traces have the contexts before and after each message (decision 0048).
        pause: Waits for some seconds before an attempt in the lane.
    """
    answerer = Answerer(publisher, pending, grace=pending_grace)
    robots = RobotAnswers(robot_streams, answerer) if robot_streams else None
    finish = Finish(contexts, answerer, outbox)
    checks = (
        *([RefuseReusedSignature(signatures)] if signatures else ()),
        *([NotifyTokenService(platform)] if platform else ()),
    )
    windows = windows or Windows()
    call_handler = CallHandler(
        routes,
        client_of,
        metrics,
        time_limit=handler_time_limit,
        provided=provided or Features(),
        windows=windows,
        robots=robots,
    )
    handle = HandleMessage(
        contexts,
        routes,
        checks,
        call_handler,
        answerer,
        finish,
        metrics,
        windows,
        trace_contexts=trace_contexts,
    )
    handle_decoded = compose(
        [
            WaitForStore(availability),  # outside of all stages that use Redis
            DetectCrashes(crashes),  # outside of all stages that may end the process; uses Redis
        ],
        # Before contexts and handlers: not every delivery needs them.
        Dispatch(pending, handle, HandleUndelivered(routes, handle), finish, metrics, customer_service, robots),
    )
    return compose(
        [
            Trace(metrics),  # outermost: the settlement is logged with the message's ids, too
            Settle(
                publisher, outbox, answerer, retries, on_dead=CallOnDead(routes, handle), pause=pause
            ),  # outside of all stages that may fail
        ],
        Decode(accounts, handle_decoded),
    )
