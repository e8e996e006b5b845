"""One contract for two forms of handlers: functions on a router, methods of a class."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.worker import KEY, Rig, a_text_envelope, an_event_envelope, route_for
from wxbus.bus.envelope import Envelope
from wxbus.messages.requests import EventRequest
from wxbus.wechat import model_of
from wxbus.wechat.registry import models
from wxbus_worker import (
    AnyMessage,
    Context,
    Event,
    Message,
    MessageHandler,
    Reject,
    RetryLater,
    Router,
    Signal,
    SubscribeEvent,
    TextMessage,
    UnknownEvent,
    UnsubscribeEvent,
    UserMessage,
    reply,
)
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters
from wxbus_worker.handlers.route_table import UNKNOWN


async def _text(message: TextMessage, context: Context) -> list[reply.Text]:
    context.storage["texts"] = [*context.storage.get("texts", ()), message.content]
    match message.content:
        case "fail":
            raise KeyError(message.content)
        case "later":
            raise RetryLater(after=timedelta(seconds=5))
        case "never":
            raise Reject("never")
    return [reply.Text("one"), reply.Text("two")]


async def _welcome(message: SubscribeEvent) -> reply.Text:
    return reply.Text(f"welcome {message.from_user}")


async def _leave(message: UnsubscribeEvent, context: Context) -> None:
    assert message.event == "unsubscribe"
    context.clear()


async def _paid(signal: Signal) -> reply.Text:
    return reply.Text(f"{signal.name} {signal.data['order']}")


async def _unknown(message: AnyMessage) -> reply.Text:
    return reply.Text(f"unknown {message.msg_type}")


async def _rest(message: AnyMessage) -> reply.Text:
    return reply.Text(f"rest {message.msg_type}")


def functions() -> Router:
    """Return the bot as functions."""
    router = Router()
    router.text(_text)
    router.event(SubscribeEvent)(_welcome)
    router.event(UnsubscribeEvent)(_leave)
    router.signal("paid")(_paid)
    router.unknown(_unknown)
    router.default(_rest)
    return router


class Bot(MessageHandler):
    """The bot as a class."""

    on_text = staticmethod(_text)
    on_event_subscribe = staticmethod(_welcome)
    on_event_unsubscribe = staticmethod(_leave)
    on_signal_paid = staticmethod(_paid)
    on_unknown = staticmethod(_unknown)
    default_response = staticmethod(_rest)


def methods() -> Router:
    """Return a router with the class."""
    router = Router()
    router.include(Bot())
    return router


@pytest.fixture(params=[functions, methods])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Return a worker with the bot in one of the forms."""
    form: Callable[[], Router] = request.param
    return Rig(form())


def an_event(name: str) -> Envelope:
    """Return an event of the default user."""
    return an_event_envelope(name, openid="o_1", lane="wx1:o_1")


async def test_a_handler_changes_the_context_and_replies(rig: Rig) -> None:
    """It returns one, several or no replies, and the next message sees its changes."""
    for given in (a_text_envelope("a"), a_text_envelope("b"), an_event("subscribe")):
        assert isinstance(await rig.handle(given), Done)
    assert rig.wechat.texts == ["one", "two", "one", "two", "welcome o_1"]
    assert (await rig.memory.open(KEY, "")).context.storage == {"texts": ["a", "b"]}
    assert isinstance(await rig.handle(an_event("unsubscribe")), Done)
    assert (await rig.memory.open(KEY, "")).context.storage == {}


@pytest.mark.parametrize(("text", "settlement"), [("fail", Retry), ("later", Retry), ("never", ToDeadLetters)])
async def test_a_failed_handler_changes_nothing(rig: Rig, text: str, settlement: type) -> None:
    """Errors are retried, `Reject` is final; neither changes the context."""
    assert isinstance(await rig.handle(a_text_envelope(text)), settlement)
    assert (await rig.memory.open(KEY, "")).context.storage == {}
    assert not rig.wechat.sent


async def test_default_and_unknown_messages(rig: Rig) -> None:
    """The default gets known types, `unknown` gets the others."""
    await rig.handle(a_text_envelope(body=b'{"MsgType": "image", "FromUserName": "o_1", "ToUserName": "g", '
                                     b'"CreateTime": "1", "MediaId": "m", "MsgId": "1"}'))  # fmt: skip
    await rig.handle(an_event("unheard_of"))
    assert rig.wechat.texts == ["rest image", "unknown event"]


async def test_a_signal_reaches_its_handler(rig: Rig) -> None:
    """An event of another program is handled by the route, or the method, of its name; the default gets no signals."""
    for name, settlement in (("paid", Done), ("refunded", ToDeadLetters)):
        request = EventRequest(account="shop", openid="o_1", name=name, data={"order": "88"})
        assert isinstance(await rig.handle(request.envelope(account="shop", appid="wx1")), settlement)
    assert rig.wechat.texts == ["paid 88"]


def _tags() -> list[str]:
    """Return the tags of all models: `text`, `event:subscribe`, `component:authorized`."""
    return [tag for tag, model in models().items() if model not in UNKNOWN]


def _decorated(_tag: str, model: type[Message]) -> Router:
    router = Router()
    if issubclass(model, UserMessage):
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model.__name__.removesuffix("Message")).lower()
        register = getattr(router, name, None) or router.message(model)
        register(_rest)
    elif issubclass(model, Event):
        router.event(model)(_rest)
    else:
        router.message(model)(_rest)
    return router


def _method(tag: str, _model: type[Message]) -> Router:
    name = "on_" + tag.replace("component:", "event:").replace(":", "_")
    router = Router()
    router.include(type("Bot", (MessageHandler,), {name: staticmethod(_rest)})())
    return router


@pytest.mark.parametrize("form", [_decorated, _method])
async def test_every_type_has_a_decorator_and_a_method(form: Callable[[str, type[Message]], Router]) -> None:
    """User messages have a decorator each, events use `event(Type)`; methods have WeChat's names."""
    other = UnknownEvent.model_construct(created_at=1, msg_type="event", event="other")
    tags = _tags()
    assert len(tags) > 130
    for tag in tags:
        model = model_of(tag)
        assert model is not None
        router = form(tag, model)
        fields: dict[str, Any] = {"event": tag}
        assert await route_for(router, model.model_construct(**fields)) is not None, tag
        assert await route_for(router, other) is None, tag
