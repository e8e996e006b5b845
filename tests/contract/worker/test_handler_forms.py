"""One contract for two forms of handlers: functions on a router, methods of a class."""

from collections.abc import Callable

import pytest

from tests.support.worker import KEY, Rig, a_text_envelope, an_event_envelope
from wxbus.bus.envelope import Envelope
from wxbus.errors import RetryLater
from wxbus.wechat import AnyMessage, SubscribeEvent, TextMessage, UnsubscribeEvent, reply
from wxbus_worker import Context, MessageHandler, Reject, Router
from wxbus_worker.settlement import Bury, Done, Retry


async def _text(message: TextMessage, context: Context) -> list[reply.Text]:
    context.storage["texts"] = [*context.storage.get("texts", ()), message.content]
    match message.content:
        case "fail":
            raise KeyError(message.content)
        case "later":
            raise RetryLater(after=5)
        case "never":
            raise Reject("never")
    return [reply.Text("one"), reply.Text("two")]


async def _welcome(message: SubscribeEvent) -> reply.Text:
    return reply.Text(f"welcome {message.from_user}")


async def _leave(message: UnsubscribeEvent, context: Context) -> None:
    assert message.event == "unsubscribe"
    context.clear()


async def _unknown(message: AnyMessage) -> reply.Text:
    return reply.Text(f"unknown {message.msg_type}")


async def _rest(message: AnyMessage) -> reply.Text:
    return reply.Text(f"rest {message.msg_type}")


def functions() -> Router:
    """The bot as functions."""
    router = Router()
    router.text(_text)
    router.event(SubscribeEvent)(_welcome)
    router.event(UnsubscribeEvent)(_leave)
    router.unknown(_unknown)
    router.default(_rest)
    return router


class Bot(MessageHandler):
    """The bot as a class."""

    on_text = staticmethod(_text)
    on_event_subscribe = staticmethod(_welcome)
    on_event_unsubscribe = staticmethod(_leave)
    on_unknown = staticmethod(_unknown)
    default_response = staticmethod(_rest)


def methods() -> Router:
    """The bot on a router."""
    router = Router()
    router.include(Bot())
    return router


@pytest.fixture(params=[functions, methods])
def rig(request: pytest.FixtureRequest) -> Rig:
    """A worker with the bot in one of the forms."""
    form: Callable[[], Router] = request.param
    return Rig(form())


def an_event(name: str) -> Envelope:
    """An event of our user."""
    return an_event_envelope(name, openid="o_1", lane="wx1:o_1")


async def test_a_handler_changes_the_context_and_replies(rig: Rig) -> None:
    """One, several or no replies; what it keeps the next message finds."""
    for given in (a_text_envelope("a"), a_text_envelope("b"), an_event("subscribe")):
        assert isinstance(await rig.handle(given), Done)
    assert rig.wechat.texts == ["one", "two", "one", "two", "welcome o_1"]
    assert (await rig.memory.open(KEY, "")).context.storage == {"texts": ["a", "b"]}
    assert isinstance(await rig.handle(an_event("unsubscribe")), Done)
    assert (await rig.memory.open(KEY, "")).context.storage == {}


@pytest.mark.parametrize(("text", "settlement"), [("fail", Retry), ("later", Retry), ("never", Bury)])
async def test_a_failure_decides_what_happens_and_keeps_nothing(rig: Rig, text: str, settlement: type) -> None:
    """Errors are tried again, `Reject` is final; neither leaves a trace in the context."""
    assert isinstance(await rig.handle(a_text_envelope(text)), settlement)
    assert (await rig.memory.open(KEY, "")).context.storage == {}
    assert not rig.wechat.sent


async def test_what_nobody_wants_and_nobody_knows(rig: Rig) -> None:
    """The default is for types we know, `unknown` for those we do not."""
    await rig.handle(a_text_envelope(body=b'{"MsgType": "image", "FromUserName": "o_1", "ToUserName": "g", '
                                     b'"CreateTime": "1", "MediaId": "m", "MsgId": "1"}'))  # fmt: skip
    await rig.handle(an_event("unheard_of"))
    assert rig.wechat.texts == ["rest image", "unknown event"]
