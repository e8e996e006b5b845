"""Replies that WeChat does not take: they are reported, handled or dead-lettered, and leave the context."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.support.echo import Echo, refusal, undelivered
from tests.support.worker import APPID, KEY, OPENID, Rig, a_text_envelope
from wxbus.errors import BrokerUnavailable
from wxbus.testing import MemoryDelivery
from wxbus_worker import (
    Account,
    AccountKind,
    BadRequest,
    Context,
    MessageHandler,
    OutOfWindow,
    Reject,
    Router,
    TextMessage,
    Undelivered,
    WeChatError,
    reply,
)
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.testing import HandlerClient

NOTICE = reply.SubscribeMessage("tpl", {"thing1": "shipped"})


async def responses(rig: Rig) -> list[object]:
    """Return the responses that the context has."""
    context = await rig.memory.get(APPID, OPENID)
    assert context is not None
    return list(context.responses)


@pytest.mark.parametrize(
    "error",
    [*map(refusal, (45015, 45047, 40003, 43004, 48001, 40007, 123456)), ValueError("no message can carry it")],
)
async def test_a_reply_that_wechat_refuses_becomes_a_dead_letter(error: WeChatError | ValueError) -> None:
    """Its message is done and the others are sent; the context has what was delivered, the metric the reason."""
    echo = Echo()
    rig = Rig(echo.router)
    rig.wechat.errors.append(error)
    delivery = MemoryDelivery(a_text_envelope("a b"))
    with capture_logs() as lines:
        assert isinstance(await rig.handle(delivery), Done)
    reason = str(error.errcode) if isinstance(error, WeChatError) else "unsendable"
    assert undelivered(rig, reason) == 1
    assert [(line["log_level"], line["reason"]) for line in lines if line["event"] == "reply.undelivered"] == [
        ("warning", reason)
    ]
    assert (delivery.acked, rig.wechat.texts, rig.memory.outbox(KEY)) == (True, ["b"], [])
    assert rig.memory_publisher.dead_letters == []

    (note,) = rig.memory_publisher.published
    assert isinstance(await rig.handle(note), ToDeadLetters)
    ((letter, death),) = rig.memory_publisher.dead_letters
    assert (letter.envelope(), death.reason, death.committed) == (note, "undelivered", None)
    assert str(error) in death.error
    assert await responses(rig) == [reply.Text("b")]
    assert echo.runs == ["a b"]


async def test_a_replay_of_the_letter_sends_the_reply_again() -> None:
    """No handler runs; refused again, it is another dead letter; a second copy of the replay sends nothing."""
    echo = Echo()
    rig = Rig(echo.router)
    rig.wechat.errors.extend([refusal(45015), refusal(45047)])
    await rig.handle(a_text_envelope("a"))
    (note,) = rig.memory_publisher.published
    await rig.handle(note)
    assert isinstance(await rig.handle(note), ToDeadLetters)  # redelivered before its ack

    first, second = (replace(note, replay=True, id=id_ * 32) for id_ in "ef")
    assert isinstance(await rig.handle(first), Done)
    assert rig.wechat.texts == []
    (_, again) = rig.memory_publisher.published
    assert isinstance(await rig.handle(again), ToDeadLetters)
    assert await responses(rig) == []
    assert isinstance(await rig.handle(second), Done)
    assert isinstance(await rig.handle(second), Done)
    assert (rig.wechat.texts, echo.runs) == (["a"], ["a"])
    assert await responses(rig) == [reply.Text("a")]


async def test_the_report_comes_before_the_reply_leaves_the_outbox() -> None:
    """Without RabbitMQ the reply stays, and is tried again: it is reported once."""
    rig = Rig(Echo().router)
    rig.wechat.errors.append(refusal(45015))

    async def unavailable(*_: object, **__: object) -> None:
        raise BrokerUnavailable("away")

    publish = rig.memory_publisher.publish
    rig.memory_publisher.publish = unavailable  # type: ignore[method-assign] # for one call
    assert isinstance(await rig.handle(a_text_envelope("a")), Retry)
    assert rig.memory.outbox(KEY) == [reply.Text("a")]
    rig.memory_publisher.publish = publish  # type: ignore[method-assign]
    rig.wechat.errors.append(refusal(45015))
    await rig.handle(rig.memory_publisher.retries[0][0])
    assert len(rig.memory_publisher.published) == 1
    assert rig.memory.outbox(KEY) == []


def shop() -> tuple[Router, list[Undelivered]]:
    """Return a router with a hook, and what the hook got."""
    router, seen = Router(), list[Undelivered]()

    @router.text
    async def answer(message: TextMessage) -> list[reply.Text]:
        return [reply.Text(word) for word in message.content.split()]

    @router.on_undelivered
    async def lost(undelivered: Undelivered, context: Context) -> str | None:
        seen.append(undelivered)
        context.storage["lost"] = context.storage.get("lost", 0) + 1
        if isinstance(undelivered.error, OutOfWindow):
            context.storage["tell"] = [undelivered.reply.kind]
            return None
        return "Something could not be sent."

    return router, seen


async def test_a_hook_gets_the_reply_and_the_reason() -> None:
    """It runs in the user's lane with the context; what it returns is sent, and there is no dead letter."""
    router, seen = shop()
    client = HandlerClient(router)
    client.wechat.refusals = [40007, 0, 45015]
    result = await client.text("a b c")
    assert result.texts == ["b", "Something could not be sent."]
    assert [one.reply for one in result.undelivered] == [one.reply for one in seen]
    assert [(type(one.error), one.reply) for one in seen] == [
        (BadRequest, reply.Text("a")),
        (OutOfWindow, reply.Text("c")),
    ]
    assert result.context.storage == {"lost": 2, "tell": ["text"]}
    assert list(result.context.responses) == [reply.Text("b"), reply.Text("Something could not be sent.")]
    assert client.publisher.dead_letters == []


async def test_a_hook_runs_once_and_is_retried() -> None:
    """A second copy of the note is a duplicate; an error of the hook follows the retry policy."""
    router, seen = shop()
    failures = [ValueError("once")]

    @router.on_undelivered
    async def sometimes() -> None:
        if failures:
            raise failures.pop()

    rig = Rig(router)
    rig.wechat.errors.append(refusal(45015))
    await rig.handle(a_text_envelope("a"))
    (note,) = rig.memory_publisher.published
    assert isinstance(await rig.handle(note), Retry)
    ((scheduled, _),) = rig.memory_publisher.retries
    assert isinstance(await rig.handle(scheduled), Done)
    assert isinstance(await rig.handle(note), Done)
    assert len(seen) == 2
    context = await rig.memory.get(APPID, OPENID)
    assert context is not None
    assert context.storage["lost"] == 1


async def test_a_refused_reply_of_the_hook_does_not_call_it_again() -> None:
    """A hook that answers every refusal with another text would never end: its own becomes a dead letter."""
    router, seen = shop()
    client = HandlerClient(router)
    client.wechat.refusals = [48001, 48001]
    result = await client.text("a")
    assert len(seen) == 1
    assert [one.reply for one in result.undelivered] == [reply.Text("a"), reply.Text("Something could not be sent.")]
    assert [death.reason for _, death in client.publisher.dead_letters] == ["undelivered"]
    assert list(result.context.responses) == []


async def test_a_replay_calls_a_hook_that_failed() -> None:
    """The dead letter of a failed hook calls it again."""
    router, seen = Router(), list[object]()

    @router.text
    async def answer() -> str:
        return "a"

    class Hooks(MessageHandler):
        async def on_undelivered(self, undelivered: Undelivered) -> None:
            seen.append(undelivered)
            if len(seen) == 1:
                raise Reject("not now")

    router.include(Hooks())
    rig = Rig(router)
    rig.wechat.errors.append(refusal(45015))
    await rig.handle(a_text_envelope("x"))
    (note,) = rig.memory_publisher.published
    assert isinstance(await rig.handle(note), ToDeadLetters)
    assert isinstance(await rig.handle(replace(note, replay=True, id="e" * 32)), Done)
    assert (len(seen), rig.wechat.texts) == (2, [])


@pytest.mark.parametrize("hook", [True, False])
async def test_a_fallback_is_sent_in_place_of_the_reply(hook: bool) -> None:
    """It is no loss: no handler is called, there is no dead letter, and the context has the fallback."""
    router, seen = shop()
    if not hook:
        router.undelivered_routes.clear()

    @router.image
    async def picture() -> reply.Text:
        return reply.Text("Shipped.", fallback=NOTICE)

    client = HandlerClient(router)
    body = {"MsgType": "image", "FromUserName": "o_user", "ToUserName": "gh", "CreateTime": "1", "MsgId": "1"}
    client.wechat.refusals = [45015]
    result = await client.push(body)
    assert result.replies == [NOTICE]
    assert (seen, result.undelivered, client.publisher.dead_letters) == ([], [], [])
    assert list(result.context.responses) == [NOTICE]

    client.wechat.refusals = [45015, 43101]  # the user gave no consent
    result = await client.push({**body, "MsgId": "2"})
    assert (result.replies, [type(one.error) for one in result.undelivered]) == ([], [OutOfWindow])
    assert len(seen) == hook
    assert len(client.publisher.dead_letters) == (not hook)
    assert list(result.context.responses) == [NOTICE]
    assert (await client.push({**body, "MsgId": "3"})).replies == [reply.Text("Shipped.", fallback=NOTICE)]


async def test_a_long_text_has_one_fallback() -> None:
    """A text that is split is one reply for the user: its first part has the fallback."""
    router = Router()

    @router.text
    async def long() -> reply.Text:
        return reply.Text("a" * 3000, fallback=NOTICE)

    client = HandlerClient(router)
    client.wechat.refusals = [45015, 0, 45015]
    result = await client.text("x")
    assert result.replies == [NOTICE]
    assert [one.reply for one in result.undelivered] == [reply.Text("a" * 952)]


async def test_a_dropped_context_is_not_made_anew() -> None:
    """Without a context there is nothing to correct."""
    rig = Rig(Echo().router)
    rig.wechat.errors.append(refusal(45015))
    await rig.handle(a_text_envelope("a"))
    await rig.memory.drop(APPID, OPENID)
    assert isinstance(await rig.handle(rig.memory_publisher.published[0]), ToDeadLetters)
    assert await rig.memory.get(APPID, OPENID) is None


async def test_the_client_of_tests_refuses_what_wechat_refuses() -> None:
    """`RecordingWeChat` raises what the real client and WeChat raise for messages and files that they do not take."""
    client = HandlerClient(shop()[0], account=Account(name="a", appid="wx1", kind=AccountKind.OFFICIAL_ACCOUNT))
    with pytest.raises(ValueError, match="transfer_customer_service cannot be a customer-service message"):
        await client.wechat.send("o_1", reply.TransferToCustomerService())
    for openid, content, errcode in (("o_1", "a" * 2049, 45002), ("", "a", 40003)):
        with pytest.raises(WeChatError) as refused:
            await client.wechat.send(openid, reply.Text(content))
        assert refused.value.errcode == errcode
    for data in (b"", b"a" * (65 << 10)):
        with pytest.raises(WeChatError) as refused:
            await client.wechat.upload_media("thumb", "a.jpg", data)
        assert refused.value.errcode == 40006
    assert client.wechat.sent == []
