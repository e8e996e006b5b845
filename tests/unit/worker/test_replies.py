"""Replies are sent after the commit, in order, and each is removed once it is sent; two attempts never send at once."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.support.echo import Echo, refusal, undelivered
from tests.support.worker import APPID, KEY, OPENID, SHOP, FakeWeChat, Rig, a_text_envelope, an_event_envelope
from wxbus.errors import TokenUnavailable, WeChatUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker import (
    AccountKind,
    Context,
    Router,
    SuccessResponse,
    UnsubscribeEvent,
    reply,
)
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import Outbox, OutboxRun
from wxbus_worker.replies.reports import UndeliveredReports
from wxbus_worker.store.ports import ContextKey, SendLease, dedup_key_of
from wxbus_worker.testing import MemoryContextStore, RecordingWeChat
from wxbus_worker.testing.wechat import RecordingSockets

AGENT: dict[str, Any] = {"kind": AccountKind.WECOM, "agent_id": 1000002}
WECOM: dict[str, Any] = {"kind": AccountKind.WECOM, "reply": "passive", "late_reply": "retry_window"}
TWO_ARTICLES = reply.News((reply.Article("one"), reply.Article("two")))
TRANSFER = reply.TransferToCustomerService()


async def test_several_replies_keep_their_order() -> None:
    """The user receives them in the order of the handler's list."""
    rig = Rig(Echo().router)
    await rig.handle(a_text_envelope("a b c d"))
    assert rig.wechat.texts == ["a", "b", "c", "d"]
    assert {openid for openid, _ in rig.wechat.sent} == {OPENID}


@pytest.mark.parametrize(
    "error", [WeChatUnavailable("no answer"), TokenUnavailable("none"), refusal(-1), refusal(40001)]
)
async def test_a_retry_after_a_failed_send_only_sends_the_rest(error: Exception) -> None:
    """The message is committed: its retry runs no handler, and sends only the replies that are left."""
    echo = Echo()
    rig = Rig(echo.router)
    rig.wechat.errors.extend([None, error])
    first = MemoryDelivery(a_text_envelope("a b c"))
    assert isinstance(await rig.handle(first), Retry)
    assert first.acked
    assert rig.wechat.texts == ["a"]

    ((scheduled, _),) = rig.memory_publisher.retries
    assert isinstance(await rig.handle(scheduled), Done)
    assert rig.wechat.texts == ["a", "b", "c"]
    assert echo.runs == ["a b c"]
    assert not rig.memory.outbox(KEY)


async def test_a_rate_limit_of_wechat_sets_the_delay() -> None:
    """45011 is a limit per minute: an attempt after a second would fail again (protocol reference 12)."""
    rig = Rig(Echo().router)
    rig.wechat.errors.append(refusal(45011))
    await rig.handle(a_text_envelope("a"))
    ((_, delay),) = rig.memory_publisher.retries
    assert delay == "2m"


async def test_the_next_message_sends_earlier_replies_first() -> None:
    """Replies keep their order across messages:

    a message that waits for its retry lets the next one pass, its replies do not.
    """
    rig = Rig(Echo().router)
    rig.wechat.errors.append(WeChatUnavailable("no answer"))
    await rig.handle(a_text_envelope("a b"))
    await rig.handle(a_text_envelope("c"))
    assert rig.wechat.texts == ["a", "b", "c"]

    await rig.handle(rig.memory_publisher.retries[0][0])
    assert rig.wechat.texts == ["a", "b", "c"]


async def test_unsent_replies_of_a_dead_letter_do_not_block_later_ones() -> None:
    """After the last attempt the replies leave the outbox, so that the user's next ones can be sent."""
    echo = Echo()
    rig = Rig(echo.router, delays=("1s",))
    rig.wechat.errors.extend([WeChatUnavailable("no answer")] * 2)
    await rig.handle(a_text_envelope("a b"))
    await rig.handle(rig.memory_publisher.retries[0][0])

    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.reason, death.attempts) == ("attempts", 2)
    assert echo.runs == ["a b"]
    await rig.handle(a_text_envelope("c"))
    assert rig.wechat.texts == ["c"]


async def test_two_attempts_at_one_message_send_its_replies_once() -> None:
    """The second attempt waits for the send lease while the first still sends, cut off from its partition.

    It takes no place while it waits: after a crash many first messages of a worker wait like this for seconds.
    """
    echo = Echo()
    waits = asyncio.Event()

    class Watched(MemoryContextStore):
        async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
            turn = await super().claim_send_lease(key, attempt_id=attempt_id)
            if turn.wait:
                waits.set()
            return turn

    wechat, store = FakeWeChat(), Watched()
    cut_off, next_owner = (Rig(echo.router, store=store, wechat=wechat) for _ in range(2))
    wechat.open.clear()
    envelope = a_text_envelope("a b")
    first = asyncio.create_task(cut_off.handle(MemoryDelivery(envelope, lost=True)))
    await wechat.sending.wait()
    second_delivery = MemoryDelivery(envelope, redelivered=True)
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(next_owner.work, concurrency=1, tasks=tasks)
        lanes.deliver(second_delivery)
        await waits.wait()
        lanes.deliver(MemoryDelivery(a_text_envelope("", openid="o_2", lane="wx1:o_2")))
        await next_owner.until_settled(1)
        assert not second_delivery.acked
        wechat.open.set()
    await first

    assert wechat.texts == ["a", "b"]
    assert echo.runs == ["a b", ""]
    assert second_delivery.acked


async def test_the_send_lease_of_a_killed_worker_ends() -> None:
    """The replies of a worker that is killed while it sends are not lost:

    the next attempt sends them after the lease.
    """
    now = 1000.0
    store = MemoryContextStore(lease=15.0, clock=lambda: now)
    envelope = a_text_envelope("a")
    opened = await store.open(KEY, dedup_key_of(envelope))
    await store.commit(KEY, dedup_key_of(envelope), opened, [reply.Text("a")], attempt_id="killed")
    assert (await store.claim_send_lease(KEY, attempt_id="next")).wait == 15.0
    now += 15.0
    assert [entry.reply for entry in (await store.claim_send_lease(KEY, attempt_id="next")).entries] == [
        reply.Text("a")
    ]


async def test_an_expired_send_lease_is_claimed_again_before_the_next_reply() -> None:
    """A process that was suspended while it sent must not repeat what another has sent meanwhile."""
    now = 1000.0
    wechat = FakeWeChat()
    store = MemoryContextStore(lease=15.0, clock=lambda: now)
    outbox = Outbox(
        store,
        lambda _: wechat,
        sockets=RecordingSockets(RecordingWeChat()),
        reports=UndeliveredReports(MemoryPublisher()),
        budget=10.0,
        metrics=WorkerMetrics(CollectorRegistry()),
        clock=lambda: now,
    )
    envelope = a_text_envelope("a b")
    opened = await store.open(KEY, dedup_key_of(envelope))
    committed = await store.commit(
        KEY, dedup_key_of(envelope), opened, [reply.Text("a"), reply.Text("b")], attempt_id="frozen"
    )
    run = OutboxRun(
        key=KEY,
        account=SHOP,
        dedup_key=dedup_key_of(envelope),
        attempt_id="frozen",
        send_lease=committed.send_lease,
    )

    now += 60.0  # the process was suspended; the next owner sends everything
    taken = await store.claim_send_lease(KEY, attempt_id="next")
    for entry in taken.entries:
        await wechat.send(OPENID, entry.reply)
    await store.remove_sent(KEY, taken.entries, attempt_id="next")
    await outbox.send(run)

    assert wechat.texts == ["a", "b"]


async def test_long_text_is_split() -> None:
    """WeChat takes 2048 bytes of text; handlers need not count them (protocol reference 13, trap 8)."""
    router = Router()

    @router.text
    async def long() -> reply.Text:
        return reply.Text("字" * 1000)

    rig = Rig(router)
    await rig.handle(a_text_envelope())
    assert [len(text.encode()) for text in rig.wechat.texts] == [2046, 954]
    assert "".join(rig.wechat.texts) == "字" * 1000


@pytest.mark.parametrize("nothing", [None, [], (), [None], SuccessResponse(), [reply.Success()]])
async def test_a_handler_may_return_nothing(nothing: object) -> None:
    """None, an empty list and `Success` send nothing, in a list as well."""
    router = Router()

    @router.text
    async def say_nothing() -> object:
        return nothing

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), Done)
    assert not rig.wechat.sent


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (42, "returned int; a handler returns a reply, a str, a list of them, or None"),
        ("", "reply.Text: String should have at least 1 character"),
        ([reply.Text("a"), b"b"], "returned a list with bytes; a handler returns"),
        (reply.TransferToCustomerService(), "transfer_customer_service cannot be a customer-service message"),
    ],
)
async def test_a_return_value_that_is_no_reply_is_rejected(wrong: object, text: str) -> None:
    """Another attempt would return the same: the dead letter names the handler, and nothing is committed."""
    router = Router()

    @router.text
    async def wrong_handler(context: Context) -> object:
        context.storage["changed"] = True
        return wrong

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), ToDeadLetters)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert "wrong_handler" in death.error
    assert text in death.error
    assert not rig.wechat.sent
    assert not (await rig.memory.open(KEY, "")).context.storage


@pytest.mark.parametrize(
    ("account", "replies", "text"),
    [
        (
            {},
            [TWO_ARTICLES],
            "the limit of a customer-service message is 1; to use it as the passive answer, account shop",
        ),
        ({}, [reply.Text("a"), TRANSFER], 'account shop needs reply = "passive" in the accounts file'),
        ({"reply": "passive"}, [TWO_ARTICLES], "2 articles; the limit of this passive reply is 1"),
        ({"reply": "passive"}, [TRANSFER, TRANSFER], "an answer has one reply"),
        ({"reply": "transfer"}, [TWO_ARTICLES], "a Mini Program can only answer with a transfer"),
        (WECOM, [reply.Text("a"), reply.Text("b")], "has no agent_id for messages of its application"),
        (WECOM, [reply.Menu((reply.MenuItem("1", "yes"),))], "msgmenu has no document as a passive reply"),
        (AGENT, [reply.Menu((reply.MenuItem("1", "yes"),))], "msgmenu cannot be a message of a WeCom application"),
        ({}, [reply.Markdown("**a**")], "markdown cannot be a customer-service message"),
    ],
)
async def test_an_undeliverable_reply_is_refused_before_the_commit(
    account: dict[str, Any], replies: list[AnyReply], text: str
) -> None:
    """Nothing is committed and nothing sent, so a replay after the handler is fixed does all of it once."""
    router = Router()

    @router.text
    async def answer(context: Context) -> list[AnyReply]:
        context.storage["ran"] = True
        return replies

    rig = Rig(router, account=SHOP.model_copy(update=account))
    settlement = await rig.handle(a_text_envelope())
    assert isinstance(settlement, ToDeadLetters)
    assert text in str(settlement.error)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.committed, death.traceback) == (None, "")
    assert await rig.memory.get(APPID, OPENID) is None
    assert not rig.wechat.sent


async def test_unsubscribed_users_are_sent_nothing() -> None:
    """WeChat would refuse the reply (43004). The log warns once for each handler."""
    router = Router()

    @router.event(UnsubscribeEvent)
    async def bye(context: Context) -> reply.Text:
        context.storage["gone"] = True
        return reply.Text("bye")

    rig = Rig(router)
    with capture_logs() as lines:
        for openid in ("o_1", "o_2"):
            envelope = an_event_envelope("unsubscribe", openid=openid, lane=f"{APPID}:{openid}")
            assert isinstance(await rig.handle(envelope), Done)
    assert not rig.wechat.sent
    assert await rig.memory.get(APPID, "o_2") is not None
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["replies.dropped_after_unsubscribe"]


async def test_late_replies_without_an_agent_id_are_dropped() -> None:
    """Without an AgentId no message can be sent: the reply is dropped, counted, and logged with a warning."""
    rig = Rig(Echo().router, account=SHOP.model_copy(update=WECOM))
    with capture_logs() as lines:
        assert isinstance(await rig.handle(a_text_envelope("a")), Done)
    assert not rig.wechat.sent
    assert undelivered(rig, "wecom_late") == 1
    assert "reply.undelivered" in [line["event"] for line in lines if line["log_level"] == "warning"]
