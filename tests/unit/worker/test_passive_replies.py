"""Passive replies and synchronous events in the worker: pending replies, answers to ingress, and notes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.metrics import counted
from tests.support.worker import APPID, KEY, OPENID, SHOP, Rig, a_text_envelope, an_event_envelope
from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer, delivered_passively, reply_deadline_passed
from wxbus.errors import WeChatUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.wechat.documents.codec import Renderable
from wxbus_worker import AnyMessage, Event, RetryLater, RetryPolicy, Router, TextMessage, WeChatError, reply
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.store.ports import dedup_key_of
from wxbus_worker.sweepers.replies import ReplySweeper

PASSIVE = SHOP.model_copy(update={"reply": "passive"})
AWAITED: dict[str, Any] = {"reply_to": "ingress", "correlation_id": "c", "expiration": 60.0}
"""Seconds; ingress does not stop waiting while a slow machine runs a test."""
LATER = 120.0
Returned = Callable[[TextMessage], Awaitable[object]]


def a_rig(handler: Returned, account: Any = PASSIVE, **options: Any) -> Rig:
    """Return a worker with this handler of texts."""
    router = Router()

    @router.text
    async def handle(message: TextMessage) -> Any:
        return await handler(message)

    return Rig(router, account=account, **options)


async def words(message: TextMessage) -> list[reply.Text]:
    """Reply with each word."""
    return [reply.Text(word) for word in message.content.split()]


def awaited(content: str = "a", **fields: Any) -> Envelope:
    """Return a text whose answer ingress waits for."""
    return a_text_envelope(content, **{**AWAITED, **fields})


def answers(rig: Rig) -> "list[Renderable | None]":
    """Return the texts of the answers to ingress; None for an answer without a reply."""
    return [
        None if answer.document is None else answer.document["Content"] for _, answer in rig.memory_publisher.answered
    ]


async def test_the_first_reply_answers_wechat_and_the_rest_follows_the_note() -> None:
    """Nothing is sent before ingress's note that WeChat has the first reply; then the rest is, in order."""
    rig = a_rig(words)
    envelope = awaited("a b c")
    assert isinstance(await rig.handle(envelope), Done)
    [(_, answer)] = rig.memory_publisher.answered
    assert answer.document == {
        "ToUserName": "o_1",
        "FromUserName": "gh_shop",
        "CreateTime": answer.document and answer.document["CreateTime"],
        "MsgType": "text",
        "Content": "a",
    }
    assert rig.wechat.texts == []

    assert isinstance(await rig.handle(delivered_passively(envelope, answer.reply_id)), Done)
    assert rig.wechat.texts == ["b", "c"]
    assert counted(rig.metrics.passive.labels("delivered")) == 1


async def test_ingress_is_answered_after_the_commit() -> None:
    """Otherwise WeChat could show a reply of an attempt that was never committed."""
    held: list[object] = []

    class PublisherPort(MemoryPublisher):
        async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
            held.extend(rig.memory.pending(KEY))
            await super().answer(envelope, answer, budget=budget)

    rig = a_rig(words, publisher=PublisherPort())
    await rig.handle(awaited("a"))
    assert held == [reply.Text("a")]


async def test_replies_past_their_deadline_are_sent_by_customer_service() -> None:
    """The sweeper publishes a note, and all replies of the message are sent."""
    rig = a_rig(words)
    await rig.handle(awaited("a b"))
    sweeper = ReplySweeper(rig.memory, rig.memory_publisher, after_outage=0, every=0)
    assert await sweeper.sweep() == 0
    rig.ahead = LATER
    assert await sweeper.sweep() == 1
    [note] = rig.memory_publisher.published
    await rig.handle(note)
    assert rig.wechat.texts == ["a", "b"]
    assert counted(rig.metrics.passive.labels("deadline_passed")) == 1


@pytest.mark.parametrize("notes", ["taken late", "late taken", "taken taken late"])
async def test_the_first_of_two_notes_decides(notes: str) -> None:
    """Both are in one lane: the second finds nothing pending."""
    rig = a_rig(words)
    envelope = awaited("a b")
    await rig.handle(envelope)
    rig.ahead = LATER
    reply_id = rig.memory_publisher.answered[0][1].reply_id
    made = {
        "taken": delivered_passively(envelope, reply_id),
        "late": reply_deadline_passed(KEY.lane, reply_id, account="shop"),
    }
    for note in notes.split():
        await rig.handle(made[note])
    assert rig.wechat.texts == (["b"] if notes.startswith("taken") else ["a", "b"])


async def test_ingress_is_answered_at_once_without_a_reply() -> None:
    """An empty answer tells ingress not to wait, so WeChat is answered at once."""

    async def silent(_message: TextMessage) -> None: ...

    async def success(_message: TextMessage) -> reply.Success:
        return reply.Success()

    for handler in (silent, success):
        rig = a_rig(handler)
        await rig.handle(awaited())
        assert answers(rig) == [None]


@pytest.mark.parametrize(
    ("error", "settled"), [(RetryLater("later"), Retry), (ValueError("a bug"), Retry), (None, ToDeadLetters)]
)
async def test_ingress_is_answered_at_once_after_a_failure(error: Exception | None, settled: type) -> None:
    """The next attempt is too late for WeChat: the retry or dead letter has no `reply_to`."""

    async def failing(_message: TextMessage) -> object:
        if error is None:
            return object()
        raise error

    rig = a_rig(failing)
    assert isinstance(await rig.handle(awaited()), settled)
    assert answers(rig) == [None]
    assert [(retry.reply_to, retry.expiration) for retry, _ in rig.memory_publisher.retries] in ([], [(None, None)])


async def test_ingress_does_not_wait_for_a_blocked_lane() -> None:
    """Ingress is answered after the first failure; the reply of the next attempt is sent by customer service."""
    router, runs = Router(), iter([RetryLater("later"), None])

    @router.text(retry=RetryPolicy(delays=(timedelta(seconds=1),), blocking=True))
    async def handle(message: TextMessage) -> reply.Text:
        if error := next(runs):
            raise error
        return reply.Text(message.content)

    async def at_once(_seconds: float) -> None: ...

    rig = Rig(router, account=PASSIVE, pause=at_once)
    await rig.handle(awaited("a"))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["a"]


async def test_ingress_is_not_answered_after_its_deadline() -> None:
    """The message waited too long in its lane, or its handler took too long:

    the replies are sent by customer service.
    """
    rig = a_rig(words)
    delivery = MemoryDelivery(awaited("a b"))
    delivery.arrived -= LATER
    await rig.handle(delivery)
    assert rig.memory_publisher.answered == []
    assert rig.wechat.texts == ["a", "b"]


async def test_wechats_retry_gets_the_reply_of_the_first_attempt() -> None:
    """The handler runs once; each push is answered with the same reply, also after the note."""
    rig = a_rig(words)
    first = awaited("a b")
    second, third = (replace(first, id=name, correlation_id=name) for name in ("second", "third"))
    await rig.handle(first)
    await rig.handle(second)
    await rig.handle(delivered_passively(second, dedup_key_of(first)))
    await rig.handle(third)
    await rig.handle(delivered_passively(third, dedup_key_of(first)))
    assert answers(rig) == ["a", "a", "a"]
    assert [envelope.correlation_id for envelope, _ in rig.memory_publisher.answered] == ["c", "second", "third"]
    assert rig.wechat.texts == ["b"]


async def test_a_new_owner_answers_with_the_committed_reply() -> None:
    """The worker before it crashed between commit and answer: the message is a duplicate, its answer is not lost."""
    rig = a_rig(words)
    envelope = awaited("a")
    rig.memory_publisher.unavailable = True
    await rig.handle(envelope)
    rig.memory_publisher.unavailable = False
    await rig.handle(MemoryDelivery(envelope, redelivered=True))
    assert answers(rig) == ["a"]
    assert rig.wechat.texts == []


async def test_ingress_does_not_wait_for_a_duplicate_without_an_answer() -> None:
    """Its reply was sent by customer service."""
    rig = a_rig(words)
    envelope = a_text_envelope("a")
    await rig.handle(envelope)
    await rig.handle(replace(envelope, id="again", **AWAITED))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["a"]


async def test_replies_that_cannot_be_passive_are_sent() -> None:
    """A menu is sent by customer service; of several replies the first possible one is the answer."""

    async def menu(message: TextMessage) -> list[object]:
        asked = reply.Menu((reply.MenuItem("1", "yes"),))
        return [asked] if message.content == "menu" else [asked, reply.Text("pick one")]

    rig = a_rig(menu)
    await rig.handle(awaited("menu"))
    assert answers(rig) == [None]
    assert [sent.kind for _, sent in rig.wechat.sent] == ["msgmenu"]
    await rig.handle(awaited("both"))
    assert answers(rig) == [None, "pick one"]


@pytest.mark.parametrize("mode", ["passive", "transfer"])
async def test_a_transfer_is_preferred_as_the_answer(mode: str) -> None:
    """It cannot be sent otherwise. A Mini Program has no other passive answer (protocol reference 4.3)."""

    async def both(_message: TextMessage) -> list[object]:
        return [reply.Text("a human will see to it"), reply.TransferToCustomerService()]

    rig = a_rig(both, account=SHOP.model_copy(update={"reply": mode}))
    envelope = awaited()
    await rig.handle(envelope)
    [(_, answer)] = rig.memory_publisher.answered
    assert answer.document is not None
    assert answer.document["MsgType"] == "transfer_customer_service"
    await rig.handle(delivered_passively(envelope, answer.reply_id))
    assert rig.wechat.texts == ["a human will see to it"]


async def test_a_reply_that_can_only_be_passive_is_the_answer() -> None:
    """News of several articles cannot be sent otherwise (an event accepts them); the other replies are sent."""
    router = Router()
    news = reply.News((reply.Article("one"), reply.Article("two")))

    @router.event(Event)
    async def both(message: Event) -> list[object]:
        return [reply.Text(message.event), news]

    rig = Rig(router, account=PASSIVE)
    envelope = replace(an_event_envelope("CLICK", openid=OPENID, lane=KEY.lane, EventKey="key"), **AWAITED)
    await rig.handle(envelope)
    [(_, answer)] = rig.memory_publisher.answered
    assert answer.document is not None
    assert answer.document["ArticleCount"] == 2
    await rig.handle(delivered_passively(envelope, answer.reply_id))
    assert rig.wechat.texts == ["CLICK"]


async def test_a_mini_program_answers_only_with_a_transfer() -> None:
    """WeChat would drop a text without an error (protocol reference 13, trap 7): it is sent by customer service."""
    rig = a_rig(words, account=SHOP.model_copy(update={"reply": "transfer"}))
    await rig.handle(awaited("a"))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["a"]


async def test_a_transfer_needs_an_account_with_passive_replies() -> None:
    """The dead letter names the setting."""

    async def transfer(_message: TextMessage) -> object:
        return reply.TransferToCustomerService()

    settlement = await a_rig(transfer, account=SHOP).handle(a_text_envelope())
    assert isinstance(settlement, ToDeadLetters)
    assert 'account shop needs reply = "passive" in the accounts file' in str(settlement.error)


async def test_a_late_reply_that_wechat_refuses_is_counted_and_done() -> None:
    """The account must not send customer-service messages: the reply is reported, the note is done."""
    rig = a_rig(words)
    envelope = awaited("a")
    await rig.handle(envelope)
    rig.ahead = LATER
    rig.wechat.errors.append(WeChatError(48001, "api unauthorized", call="/cgi-bin/message/custom/send"))
    assert isinstance(await rig.handle(reply_deadline_passed(KEY.lane, dedup_key_of(envelope), account="shop")), Done)
    assert counted(rig.metrics.passive.labels("refused")) == 1
    assert rig.memory_publisher.dead_letters == []
    assert rig.memory.outbox(KEY) == []
    (note,) = rig.memory_publisher.published
    assert isinstance(await rig.handle(note), ToDeadLetters)


async def test_a_late_reply_is_retried_while_wechat_is_unavailable() -> None:
    """The note is retried; when WeChat is available again, the reply is sent."""
    rig = a_rig(words)
    envelope = awaited("a")
    await rig.handle(envelope)
    rig.ahead = LATER
    rig.wechat.errors.append(WeChatUnavailable("away"))
    assert isinstance(await rig.handle(reply_deadline_passed(KEY.lane, dedup_key_of(envelope), account="shop")), Retry)
    [(note, _)] = rig.memory_publisher.retries
    assert isinstance(await rig.handle(note), Done)
    assert rig.wechat.texts == ["a"]


async def test_an_event_response_answers_wechat() -> None:
    """The answer has all fields of its kind; WeChat's retry gets the same, and the handler runs once."""
    router, runs = Router(), []

    @router.event("add_waybill")
    async def add(event: Event) -> reply.EventResponse:
        runs.append(event)
        return reply.EventResponse({"WayBillID": "88"})

    rig = Rig(router, account=SHOP)
    envelope = replace(an_event_envelope("add_waybill", openid=None, lane=f"{APPID}:Token1", Token="Token1"), **AWAITED)
    await rig.handle(envelope)
    await rig.handle(replace(envelope, id="again"))
    first, second = (answer for _, answer in rig.memory_publisher.answered)
    assert first == second
    assert first.reply_id == ""
    assert first.document is not None
    assert (first.document["ResultCode"], first.document["WayBillID"]) == (0, "88")
    assert len(runs) == 1


async def test_a_late_event_response_is_kept_for_the_retry() -> None:
    """WeChat pushes the event again: the handler has answered meanwhile."""
    router = Router()

    @router.event("add_waybill")
    async def add(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({"WayBillID": "88"})

    rig = Rig(router, account=SHOP)
    envelope = replace(an_event_envelope("add_waybill", openid=None, lane=f"{APPID}:Token1", Token="Token1"), **AWAITED)
    delivery = MemoryDelivery(envelope)
    delivery.arrived -= LATER
    await rig.handle(delivery)
    assert rig.memory_publisher.answered == []
    await rig.handle(replace(envelope, id="again"))
    [(_, answer)] = rig.memory_publisher.answered
    assert answer.document is not None


async def test_a_reply_to_a_synchronous_event_is_sent_by_customer_service() -> None:
    """Ingress waits for an `EventResponse`; a Mini Program would drop a reply to the user there."""
    router = Router()

    @router.event("mine")
    async def text(_event: Event) -> reply.Text:
        return reply.Text("hello")

    rig = Rig(router, account=SHOP.model_copy(update={"synchronous": ("mine",)}))
    await rig.handle(replace(an_event_envelope("mine", openid="o_1", lane=KEY.lane), **AWAITED))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["hello"]


async def test_an_unexpected_event_response_is_rejected() -> None:
    """The message is a text, or an event that the account does not list under `synchronous`."""
    router = Router()

    @router.default
    async def answer(_message: AnyMessage) -> reply.EventResponse:
        return reply.EventResponse({})

    rig = Rig(router, account=SHOP)
    for envelope in (a_text_envelope(), an_event_envelope("subscribe", openid="o_1", lane=KEY.lane)):
        settlement = await rig.handle(envelope)
        assert isinstance(settlement, ToDeadLetters)
        assert "which is not listed under `synchronous`" in str(settlement.error)


async def test_an_event_response_without_a_valid_form_is_rejected() -> None:
    """The dead letter names the handler."""
    router = Router()

    @router.event("check_biz")
    async def answer(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({"when": None})

    settlement = await Rig(router).handle(an_event_envelope("check_biz", openid=None, lane=f"{APPID}:check_biz"))
    assert isinstance(settlement, ToDeadLetters)
    assert "contains text, numbers" in str(settlement.error)


async def test_an_unavailable_broker_does_not_delay_the_lane() -> None:
    """The answer is lost, the reply is not: its deadline is in the store."""
    rig = a_rig(words)
    rig.memory_publisher.unavailable = True
    assert isinstance(await rig.handle(awaited("a")), Done)
    assert rig.memory.pending(KEY) == [reply.Text("a")]


def test_an_answer_survives_serialization() -> None:
    """Texts of all languages and numbers stay the same."""
    sent = PassiveAnswer({"CreateTime": 5, "Content": "您好", "Articles": [{"Title": "x"}]}, "r")
    assert PassiveAnswer.parse(sent.to_bytes()) == sent
