"""The worker's side of passive replies and synchronous events: hold, answer, and act on the notes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.worker import APPID, KEY, OPENID, SHOP, Rig, a_text_envelope, an_event_envelope
from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer, delivered_passively, reply_deadline_passed
from wxbus.errors import RetryLater, WeChatError, WeChatUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher
from wxbus.wechat import AnyMessage, Event, TextMessage, reply
from wxbus_worker import Router
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.store.ports import dedup_key_of
from wxbus_worker.sweepers.replies import ReplySweeper

PASSIVE = SHOP.model_copy(update={"reply": "passive"})
AWAITED = {"reply_to": "ingress", "correlation_id": "c", "expiration": 60.0}
"""Nobody stops waiting while a slow machine runs a test."""
LATER = 120.0
Returned = Callable[[TextMessage], Awaitable[object]]


def a_rig(handler: Returned, account: Any = PASSIVE, **options: Any) -> Rig:
    """A worker whose handler of texts is this one."""
    router = Router()

    @router.text
    async def handle(message: TextMessage) -> Any:
        return await handler(message)

    return Rig(router, account=account, **options)


async def words(message: TextMessage) -> list[reply.Text]:
    """Reply with each word."""
    return [reply.Text(word) for word in message.content.split()]


def awaited(content: str = "a", **fields: Any) -> Envelope:
    """A text whose answer ingress waits for."""
    return a_text_envelope(content, **{**AWAITED, **fields})


def answers(rig: Rig) -> list[str | None]:
    """The texts that ingress was given; None where there was nothing."""
    return [
        None if answer.document is None else answer.document["Content"] for _, answer in rig.memory_publisher.answered
    ]


async def test_the_first_reply_answers_wechat_and_the_rest_follows_the_note() -> None:
    """Nothing goes out before ingress says that it took the first; then the rest does, in order."""
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
    assert rig.metrics.passive.labels("delivered")._value.get() == 1


async def test_ingress_is_answered_after_the_commit() -> None:
    """Else WeChat could be shown a reply of a run that never was."""
    held: list[object] = []

    class PublisherPort(MemoryPublisher):
        async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
            held.extend(rig.memory.pending(KEY))
            await super().answer(envelope, answer, budget=budget)

    rig = a_rig(words, publisher=PublisherPort())
    await rig.handle(awaited("a"))
    assert held == [reply.Text("a")]


async def test_a_reply_that_nobody_took_is_sent() -> None:
    """The sweeper tells the lane once the time is over, and all of it goes by customer service."""
    rig = a_rig(words)
    await rig.handle(awaited("a b"))
    sweeper = ReplySweeper(rig.memory, rig.memory_publisher, after_outage=0, every=0)
    assert await sweeper.sweep() == 0
    rig.ahead = LATER
    assert await sweeper.sweep() == 1
    [note] = rig.memory_publisher.published
    await rig.handle(note)
    assert rig.wechat.texts == ["a", "b"]
    assert rig.metrics.passive.labels("deadline_passed")._value.get() == 1


@pytest.mark.parametrize("notes", ["taken late", "late taken", "taken taken late"])
async def test_of_two_notes_the_first_decides(notes: str) -> None:
    """They stand in one lane: what comes behind finds nothing to do."""
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


async def test_without_a_reply_ingress_need_not_wait() -> None:
    """It is told at once, so that WeChat is answered at once."""

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
async def test_of_a_failure_ingress_is_told_at_once(error: Exception | None, settled: type) -> None:
    """The next attempt comes too late for WeChat: parked or buried, it travels without the one who waited."""

    async def failing(_message: TextMessage) -> object:
        if error is None:
            return object()
        raise error

    rig = a_rig(failing)
    assert isinstance(await rig.handle(awaited()), settled)
    assert answers(rig) == [None]
    assert [(parked.reply_to, parked.expiration) for parked, _ in rig.memory_publisher.retries] in ([], [(None, None)])


async def test_a_lane_that_blocks_does_not_keep_wechat_waiting() -> None:
    """Ingress is told at the first failure; the reply of the next attempt goes by customer service."""
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


async def test_nobody_is_answered_who_has_stopped_waiting() -> None:
    """It waited too long in its lane, or its handler took too long: the replies are sent like any others."""
    rig = a_rig(words)
    delivery = MemoryDelivery(awaited("a b"))
    delivery.arrived -= LATER
    await rig.handle(delivery)
    assert rig.memory_publisher.answered == []
    assert rig.wechat.texts == ["a", "b"]


async def test_wechats_retry_gets_the_reply_of_the_first_run() -> None:
    """The handler ran once; each attempt is answered where it waits. After the note there is still the same answer."""
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


async def test_a_worker_that_took_over_answers_with_what_was_committed() -> None:
    """The one before died between its commit and its answer: the message is a duplicate, its answer is not lost."""
    rig = a_rig(words)
    envelope = awaited("a")
    rig.memory_publisher.away = True
    await rig.handle(envelope)
    rig.memory_publisher.away = False
    await rig.handle(MemoryDelivery(envelope, redelivered=True))
    assert answers(rig) == ["a"]
    assert rig.wechat.texts == []


async def test_a_duplicate_without_an_answer_keeps_nobody_waiting() -> None:
    """Its reply has gone out by customer service."""
    rig = a_rig(words)
    envelope = a_text_envelope("a")
    await rig.handle(envelope)
    await rig.handle(replace(envelope, id="again", **AWAITED))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["a"]


async def test_what_cannot_answer_wechat_is_sent() -> None:
    """A menu goes by customer service; of several replies the first that can answers."""

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
async def test_a_transfer_goes_passively_before_all_else(mode: str) -> None:
    """It goes no other way. A Mini Program has nothing else that does (protocol reference 4.3)."""

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


async def test_what_can_only_answer_wechat_answers_it() -> None:
    """News of several articles go no other way (an event takes them); what can be sent is sent."""
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


async def test_a_mini_program_answers_with_nothing_but_a_transfer() -> None:
    """A text would be thrown away without a word (protocol reference 13, trap 7): it is sent."""
    rig = a_rig(words, account=SHOP.model_copy(update={"reply": "transfer"}))
    await rig.handle(awaited("a"))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["a"]


async def test_a_transfer_needs_an_account_that_answers() -> None:
    """The handler's slip shows at once, and names the setting."""

    async def transfer(_message: TextMessage) -> object:
        return reply.TransferToCustomerService()

    settlement = await a_rig(transfer, account=SHOP).handle(a_text_envelope())
    assert isinstance(settlement, ToDeadLetters)
    assert 'account shop needs reply = "passive" in the accounts file' in str(settlement.error)


async def test_a_late_reply_that_wechat_refuses_is_counted_and_done() -> None:
    """An account that may not send customer-service messages: nobody could do better with a dead letter."""
    rig = a_rig(words)
    envelope = awaited("a")
    await rig.handle(envelope)
    rig.ahead = LATER
    rig.wechat.errors.append(WeChatError(48001, "api unauthorized", call="/cgi-bin/message/custom/send"))
    assert isinstance(await rig.handle(reply_deadline_passed(KEY.lane, dedup_key_of(envelope), account="shop")), Done)
    assert rig.metrics.passive.labels("refused")._value.get() == 1
    assert rig.memory_publisher.dead_letters == []
    assert rig.memory.outbox(KEY) == []


async def test_a_late_reply_waits_for_wechat() -> None:
    """With WeChat away the note is parked; when it comes back, the reply goes out."""
    rig = a_rig(words)
    envelope = awaited("a")
    await rig.handle(envelope)
    rig.ahead = LATER
    rig.wechat.errors.append(WeChatUnavailable("away"))
    assert isinstance(await rig.handle(reply_deadline_passed(KEY.lane, dedup_key_of(envelope), account="shop")), Retry)
    [(note, _)] = rig.memory_publisher.retries
    assert isinstance(await rig.handle(note), Done)
    assert rig.wechat.texts == ["a"]


async def test_an_events_own_answer_goes_to_wechat() -> None:
    """Whole, with what its kind always has; a retry gets the same, its handler runs once."""
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


async def test_an_answer_that_comes_too_late_is_kept_for_the_retry() -> None:
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


async def test_a_reply_to_a_synchronous_event_goes_by_customer_service() -> None:
    """Ingress waits for an `Answer`; what a user is to read would be thrown away there, on a Mini Program."""
    router = Router()

    @router.event("mine")
    async def text(_event: Event) -> reply.Text:
        return reply.Text("hello")

    rig = Rig(router, account=SHOP.model_copy(update={"synchronous": ("mine",)}))
    await rig.handle(replace(an_event_envelope("mine", openid="o_1", lane=KEY.lane), **AWAITED))
    assert answers(rig) == [None]
    assert rig.wechat.texts == ["hello"]


async def test_an_answer_to_what_wants_none_is_a_slip_of_the_handler() -> None:
    """A text, or an event that the account does not list under `synchronous`."""
    router = Router()

    @router.default
    async def answer(_message: AnyMessage) -> reply.EventResponse:
        return reply.EventResponse({})

    rig = Rig(router, account=SHOP)
    for envelope in (a_text_envelope(), an_event_envelope("subscribe", openid="o_1", lane=KEY.lane)):
        settlement = await rig.handle(envelope)
        assert isinstance(settlement, ToDeadLetters)
        assert "which is not listed under `synchronous`" in str(settlement.error)


async def test_an_answer_that_wechat_has_no_form_for_is_a_slip_of_the_handler() -> None:
    """The dead letter names the handler."""
    router = Router()

    @router.event("check_biz")
    async def answer(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({"when": None})

    settlement = await Rig(router).handle(an_event_envelope("check_biz", openid=None, lane=f"{APPID}:check_biz"))
    assert isinstance(settlement, ToDeadLetters)
    assert "contains text, numbers" in str(settlement.error)


async def test_a_broker_that_is_away_does_not_hold_the_user_up() -> None:
    """The answer is lost, its reply is not: the moment when it is late is in the store."""
    rig = a_rig(words)
    rig.memory_publisher.away = True
    assert isinstance(await rig.handle(awaited("a")), Done)
    assert rig.memory.pending(KEY) == [reply.Text("a")]


def test_an_answer_is_read_as_it_was_written() -> None:
    """Texts of all languages, numbers as numbers."""
    sent = PassiveAnswer({"CreateTime": 5, "Content": "您好", "Articles": [{"Title": "x"}]}, "r")
    assert PassiveAnswer.parse(sent.to_bytes()) == sent
