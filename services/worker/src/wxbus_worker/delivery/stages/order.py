"""The order of the stages, each with the reason for its place."""

import asyncio
from collections.abc import Awaitable, Callable

from wxbus.accounts.file import KnownAccounts
from wxbus.api.client import WeChatClient
from wxbus.bus.ports import PublisherPort
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next, compose
from wxbus_worker.delivery.settlement import Done, Settlement
from wxbus_worker.delivery.stages.answer import Answer
from wxbus_worker.delivery.stages.call_handler import CallHandler
from wxbus_worker.delivery.stages.commit import Commit
from wxbus_worker.delivery.stages.count_start import CountStart
from wxbus_worker.delivery.stages.decode import Decode
from wxbus_worker.delivery.stages.drop_duplicate import DropDuplicate
from wxbus_worker.delivery.stages.drop_outdated import DropOutdated
from wxbus_worker.delivery.stages.find_route import FindRoute
from wxbus_worker.delivery.stages.open_context import OpenContext
from wxbus_worker.delivery.stages.refuse_replayed import RefuseReplayed
from wxbus_worker.delivery.stages.resume_replies import ResumeReplies
from wxbus_worker.delivery.stages.send_replies import SendReplies
from wxbus_worker.delivery.stages.settle import Settle
from wxbus_worker.delivery.stages.settle_replies import SettleReplies
from wxbus_worker.delivery.stages.skip_committed import SkipCommitted
from wxbus_worker.delivery.stages.tell_token_service import PlatformEvents, TellTokenService
from wxbus_worker.delivery.stages.trace import Trace
from wxbus_worker.delivery.stages.wait_for_store import StoreAvailability, WaitForStore
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.passive import Answerer
from wxbus_worker.store.crash_counter import CrashCounter
from wxbus_worker.store.pending_replies import PendingReplies
from wxbus_worker.store.ports import ContextStore
from wxbus_worker.store.signatures import SignatureGuard


def build_pipeline(
    *,
    accounts: KnownAccounts,
    routes: RouteTable,
    client_of: Callable[[str], WeChatClient],
    contexts: ContextStore,
    pending: PendingReplies,
    store: StoreAvailability,
    outbox: Outbox,
    publisher: PublisherPort,
    retries: RetryPolicy,
    metrics: WorkerMetrics,
    handler_time_limit: float,
    late_grace: float = 3.0,
    starts: CrashCounter | None = None,
    signatures: SignatureGuard | None = None,
    platform: PlatformEvents | None = None,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Next:
    """Return what handles one delivery, from its bytes to its settlement.

    `signatures` knows those of plain messages; None: there are none. `platform` hears of third-party platforms'
    events; None: nobody does.
    """
    answerer = Answerer(publisher, pending, grace=late_grace)
    finish = compose([ResumeReplies(contexts), Answer(answerer), SendReplies(outbox)], _done)
    return compose(
        [
            Trace(metrics),  # outside of everything: also the settlement is logged with the message's ids
            Settle(publisher, outbox, answerer, retries, pause=pause),  # outside of whatever may fail
            Decode(accounts),
            WaitForStore(store),  # outside of whatever reads or writes Redis
            CountStart(starts),  # outside of all that may end the process; inside of what needs no Redis
            SkipCommitted(finish),  # before contexts and handlers: its changes are made
            SettleReplies(pending, finish, metrics),  # before contexts and handlers: a note concerns neither
            OpenContext(contexts, metrics),  # outside of the commit, whose conflict makes it read again
            DropOutdated(finish),  # before routes: an end that a message overtook needs no handler
            FindRoute(routes),  # inside of the context, whose state it asks; before duplicates, which it may want
            DropDuplicate(finish, metrics),
            # After duplicates: another delivery of the same message may have the same signature.
            *([RefuseReplayed(signatures)] if signatures else ()),
            # After duplicates: those were told. Before the commit: what was not told is not done.
            *([TellTokenService(platform)] if platform else ()),
            CallHandler(client_of, metrics, time_limit=handler_time_limit),
            Commit(contexts, answerer),  # before anything is sent: a reply that nobody remembers would be sent again
        ],
        finish,
    )


async def _done(_job: Job) -> Settlement:
    return Done()
