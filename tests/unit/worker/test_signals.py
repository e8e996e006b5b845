"""Messages of other programs in a user's lane: signals for handlers, and sends without one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.worker import APPID, OPENID, Rig, a_text_envelope
from wxbus.bus.envelope import Envelope
from wxbus.errors import ConfigurationError, WeChatError
from wxbus.messages.requests import EventRequest, SendRequest
from wxbus.wechat import TextMessage
from wxbus_worker import Account, AnyMessage, Bus, Context, Router, Signal, reply
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.testing import HandlerClient


class Paid(BaseModel):
    order: str
    cents: int


def a_signal(name: str, data: dict[str, Any] | None = None, **more: Any) -> Envelope:
    """Return the envelope of an event that another program posted."""
    request = EventRequest(account="shop", openid=OPENID, name=name, data=data or {}, **more)
    return request.envelope(account="shop", appid=APPID)


def a_send(text: str, **more: Any) -> Envelope:
    """Return the envelope of a text that another program sent."""
    request = SendRequest(account="shop", openid=OPENID, reply=reply.Text(text), **more)
    return request.envelope(account="shop", appid=APPID)


def a_shop() -> Router:
    """Return handlers for texts, and for signals with typed and untyped data."""
    router = Router()

    @router.text
    async def text(message: TextMessage, context: Context) -> reply.Text:
        context.storage["said"] = message.content
        return reply.Text(f"you said {message.content}")

    @router.signal("paid")
    async def paid(payment: Paid, context: Context) -> reply.Text:
        context.storage["paid"] = payment.order
        return reply.Text(f"{payment.cents} cents for {payment.order}, after {context.storage.get('said')}")

    @router.signal("late", when=lambda signal: signal.data.get("days", 0) > 1)
    async def late(signal: Signal) -> reply.Text:
        return reply.Text(f"{signal.data['days']} days late")

    @router.default
    async def rest(message: AnyMessage) -> reply.Text:
        raise AssertionError(message)

    return router


async def test_a_signal_is_handled_with_the_users_context() -> None:
    """Its handler gets typed data and the context, its reply is sent, and its changes are kept."""
    rig = Rig(a_shop())
    await rig.handle(a_text_envelope("hello"))
    await rig.handle(a_signal("paid", {"order": "88", "cents": 5}))
    await rig.handle(a_signal("late", {"days": 3}))

    assert rig.wechat.texts == ["you said hello", "5 cents for 88, after hello", "3 days late"]
    context = await rig.store.get(APPID, OPENID, create=True)
    assert context is not None
    assert context.storage == {"said": "hello", "paid": "88"}
    assert len(context.requests) == 1, "a signal is no message of the user"
    assert len(context.responses) == 3


async def test_an_id_is_handled_once() -> None:
    """A second message for a user with the same id is dropped, whether it is an event or a send."""
    rig = Rig(a_shop())
    for envelope in (
        a_signal("paid", {"order": "88", "cents": 5}, id="payment-1"),
        a_signal("paid", {"order": "88", "cents": 5}, id="payment-1"),
        a_send("thanks", id="payment-1"),
        a_send("thanks", id="thanks-1"),
        a_send("thanks", id="thanks-1"),
    ):
        assert isinstance(await rig.handle(envelope), Done)

    assert rig.wechat.texts == ["5 cents for 88, after None", "thanks"]


async def test_a_send_needs_no_handler_and_is_recorded() -> None:
    """It is sent as it is, long texts in parts, and the context has it as a response of the conversation."""
    rig = Rig(a_shop())
    await rig.handle(a_send("hello"))
    await rig.handle(a_send("很长" * 2000))

    assert rig.wechat.texts[0] == "hello"
    assert "".join(rig.wechat.texts[1:]) == "很长" * 2000
    context = await rig.store.get(APPID, OPENID, create=True)
    assert context is not None
    assert context.responses[0] == reply.Text("hello")
    assert context.last_active is None


async def test_what_cannot_be_handled_becomes_a_dead_letter() -> None:
    """A signal without a handler, and data that do not fit, are dead-lettered at once; the reason has no values."""
    rig = Rig(a_shop())
    for envelope, reason in (
        (a_signal("refunded"), "no handler for signal 'refunded'"),
        (a_signal("late", {"days": 1}), "no handler for signal 'late'"),
        (a_signal("paid", {"order": "88", "cents": "secret-many"}), "data of signal 'paid': not a Paid: cents: "),
    ):
        settlement = await rig.handle(envelope)
        assert isinstance(settlement, ToDeadLetters)
        assert str(settlement.error).startswith(reason)
        assert "secret-many" not in rig.memory_publisher.dead_letters[-1][1].error


async def test_an_unavailable_wechat_delays_a_send() -> None:
    """It is retried like a reply: it is not lost, and what follows in the lane comes after it."""
    rig = Rig(a_shop())
    rig.wechat.errors.append(WeChatError(45011, "too fast", call="/cgi-bin/message/custom/send"))
    assert isinstance(await rig.handle(a_send("first")), Retry)
    await rig.handle(a_send("second"))
    await rig.handle(rig.memory_publisher.retries[0][0])

    assert rig.wechat.texts == ["first", "second"]


def test_a_handler_of_a_signal_takes_one_type_of_data_at_most_by_its_model() -> None:
    """Data models are given to handlers of signals only; elsewhere they are refused at the start."""
    router = Router()

    async def wrong(payment: Paid) -> None: ...

    with pytest.raises(ConfigurationError, match="parameter 'payment' is annotated Paid"):
        router.text(wrong)


async def test_handlers_send_and_post_with_a_bus() -> None:
    """A handler takes `Bus` by type, for messages at a later time; `HandlerClient.posted` has them once for each id."""
    router = Router()

    @router.text
    async def remind(message: TextMessage, bus: Bus, account: Account) -> None:
        at = datetime(2027, 1, 1, tzinfo=UTC)
        await bus.send(account.name, message.from_user, reply.Text("do not forget"), id="reminder", send_at=at)
        if message.content == "never mind":
            assert await bus.cancel(account.name, message.from_user, "reminder") is True

    client = HandlerClient(router)
    await client.text("remind me")
    await client.text("remind me")
    (request,) = client.posted
    assert isinstance(request, SendRequest)
    assert (request.account, request.openid, request.reply) == ("test", "o_user", reply.Text("do not forget"))
    await client.text("never mind")
    assert client.posted == []


async def test_handlers_are_tested_with_signals() -> None:
    """`HandlerClient.signal` posts an event as `Bus.event` does, and refuses what that refuses."""
    client = HandlerClient(a_shop())
    result = await client.signal("paid", Paid(order="88", cents=5))
    assert result.texts == ["5 cents for 88, after None"]
    assert result.context.storage == {"paid": "88"}
    with pytest.raises(ValueError, match="data: is 65548 bytes of JSON; the limit is 65536"):
        await client.signal("paid", {"order": "8" * 65536})
    with pytest.raises(ValueError, match=r"name: String should match pattern"):
        await client.signal("paid twice")
