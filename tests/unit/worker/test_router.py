"""Which handler gets which message, and how it is called."""

import functools
import logging
import re
import threading
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import structlog

from tests.support.worker import Rig, a_text_envelope, an_event_envelope, route_for
from wxbus.wechat import parse_message
from wxbus_worker import (
    Account,
    AnyMessage,
    ClickEvent,
    ConfigurationError,
    Context,
    CurrentDelivery,
    Features,
    ImageFile,
    ImageMessage,
    Message,
    MessageHandler,
    RetryPolicy,
    Router,
    ScanEvent,
    SubscribeEvent,
    SuccessResponse,
    TextMessage,
    UnsubscribeEvent,
    UserMessage,
    WeChatClient,
    current_delivery,
    reply,
)
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.delivery.settlement import ToDeadLetters
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.testing import HandlerClient

HEADER = {"ToUserName": "gh_1", "FromUserName": "o_1", "CreateTime": "1700000000"}


def a_text(content: str) -> Message:
    """Return a text message."""
    return parse_message({**HEADER, "MsgType": "text", "Content": content, "MsgId": "1"})


def an_image() -> Message:
    """Return an image message."""
    return parse_message({**HEADER, "MsgType": "image", "PicUrl": "http://p", "MediaId": "m1", "MsgId": "1"})


def an_event(name: str, **fields: str) -> Message:
    """Return an event."""
    return parse_message({**HEADER, "MsgType": "event", "Event": name, **fields})


async def found(router: Router, message: Message, *, state: str = "") -> str | None:
    """Return the name of the function that gets the message."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.state = state
    route = await route_for(router, message, context)
    return route.name.rsplit(".", 1)[-1] if route else None


@pytest.fixture
def router() -> Router:
    """Return a router with one handler of each kind."""
    router = Router("all")

    @router.text("help", "帮助")
    async def exact() -> None: ...

    @router.text(prefix="order ")
    async def prefix() -> None: ...

    @router.text(regex=r"(?P<number>\d+)$")
    async def regex(number: str) -> None: ...

    @router.text(when=lambda message: len(message.content) > 20)
    async def long() -> None: ...

    @router.text(prefix="pay", when=lambda message: message.content.endswith("now"))
    async def both() -> None: ...

    @router.image
    async def image(message: ImageMessage) -> None: ...

    @router.event(SubscribeEvent)
    async def subscribed(message: SubscribeEvent) -> None: ...

    @router.event("Brand_New_Event")
    async def brand_new() -> None: ...

    @router.default
    async def fallback(message: AnyMessage) -> None: ...

    return router


@pytest.mark.parametrize(
    ("message", "handler"),
    [
        (a_text("help"), "exact"),
        (a_text(" 帮助 "), "exact"),
        (a_text("help me"), "fallback"),
        (a_text("order tea"), "prefix"),
        (a_text("42"), "regex"),
        (a_text("42nd"), "fallback"),
        (a_text("x" * 21), "long"),
        (a_text("pay now"), "both"),
        (a_text("pay later"), "fallback"),
        (an_image(), "image"),
        (an_event("subscribe"), "subscribed"),
        (an_event("brand_NEW_event"), "brand_new"),
        (an_event("other"), "fallback"),
        (parse_message({"MsgType": "hologram"}), "fallback"),
    ],
)
async def test_a_message_finds_its_handler(router: Router, message: Message, handler: str) -> None:
    """Type and conditions decide; the default gets the rest."""
    assert await found(router, message) == handler


async def test_the_first_matching_route_gets_the_message() -> None:
    """The order of registration decides, also across included routers."""
    root, before, after = Router("root"), Router("before"), Router("after")
    root.include(before)

    @root.text
    async def of_root() -> None: ...

    root.include(after)

    @after.text
    async def of_after() -> None: ...

    assert await found(root, a_text("x")) == "of_root"

    @before.text("x")
    async def of_before() -> None: ...

    assert await found(root, a_text("x")) == "of_before"
    assert await found(root, a_text("y")) == "of_root"


async def test_without_a_default_a_message_may_match_no_route() -> None:
    """It is acknowledged: bots ignore many messages."""
    router = Router()

    @router.image
    async def image() -> None: ...

    assert await found(router, a_text("x")) is None


async def test_a_base_type_matches_its_subtypes() -> None:
    """`UserMessage` matches what users send, but no events."""
    router = Router()

    @router.message(UserMessage)
    async def sent(message: UserMessage) -> None: ...

    assert await found(router, an_image()) == "sent"
    assert await found(router, an_event("subscribe")) is None


async def test_a_predicate_gets_the_type_of_its_route() -> None:
    """Predicates work for every type of message."""
    router = Router()

    @router.image(when=lambda message: message.media_id == "m2")
    async def second() -> None: ...

    @router.message(ImageMessage, when=lambda message: message.media_id == "m1")
    async def first() -> None: ...

    assert await found(router, an_image()) == "first"


async def test_the_state_of_the_conversation_is_a_condition() -> None:
    """The same text goes to another handler in another state; routes without `state` ignore it."""
    router = Router()

    @router.text(state="address")
    async def address() -> None: ...

    @router.image(state=("address", "invoice"))
    async def picture() -> None: ...

    @router.text(state="")
    async def nowhere() -> None: ...

    @router.text
    async def anywhere() -> None: ...

    @router.event("CLICK", state="address")
    async def tapped() -> None: ...

    assert [await found(router, a_text("x"), state=state) for state in ("address", "", "other")] == [
        "address",
        "nowhere",
        "anywhere",
    ]
    assert [await found(router, an_image(), state=state) for state in ("invoice", "", "other")] == [
        "picture",
        None,
        None,
    ]
    assert await found(router, an_event("click"), state="address") == "tapped"


async def test_menu_keys_and_scenes_are_conditions() -> None:
    """The key of a menu item and the scene of a QR code without `qrscene_` are compared."""
    router = Router()

    @router.event(ClickEvent, key="BUY")
    async def buy() -> None: ...

    @router.event(ClickEvent, key=("A", "B"))
    async def a_or_b() -> None: ...

    @router.event(SubscribeEvent, scene="poster")
    async def poster() -> None: ...

    @router.event(ScanEvent, scene="poster", when=lambda event: event.ticket == "t")
    async def scanned() -> None: ...

    taps = [await found(router, an_event("CLICK", EventKey=key)) for key in ("BUY", "A", "B", "C")]
    assert taps == ["buy", "a_or_b", "a_or_b", None]
    assert await found(router, an_event("subscribe", EventKey="qrscene_poster")) == "poster"
    assert await found(router, an_event("subscribe")) is None
    assert await found(router, an_event("SCAN", EventKey="poster", Ticket="t")) == "scanned"
    assert await found(router, an_event("SCAN", EventKey="poster", Ticket="u")) is None
    with pytest.raises(ConfigurationError, match="UnsubscribeEvent has no scene"):
        router.event(UnsubscribeEvent, scene="poster")


async def test_unknown_messages_have_a_handler() -> None:
    """It comes before the default, and after a route with the event's name."""
    router, sub = Router(), Router("sub")
    router.include(sub)

    @sub.unknown
    async def unheard_of(message: AnyMessage) -> None: ...

    @router.default
    async def fallback() -> None: ...

    @router.event("brand_new")
    async def brand_new() -> None: ...

    assert await found(router, parse_message({"MsgType": "hologram"})) == "unheard_of"
    assert await found(router, an_event("other")) == "unheard_of"
    assert await found(router, an_event("brand_new")) == "brand_new"
    assert await found(router, a_text("x")) == "fallback"
    with pytest.raises(ConfigurationError, match="already has a handler for unknown messages"):
        sub.unknown(unheard_of)


async def test_a_handler_gets_arguments_by_type() -> None:
    """Message, context, account, client, delivery, logger and named groups, in any order; defaults remain."""
    router = Router()
    got: list[Any] = []

    @router.text(regex=r"order (?P<what>\w+)(?: (?P<count>\d+))?")
    async def order(
        count: str,
        what: str,
        client: WeChatClient,
        delivery: CurrentDelivery,
        account: Account,
        context: Context,
        message: TextMessage | ImageMessage,
        features: Features,
        log: structlog.stdlib.BoundLogger,
        plain_log: logging.Logger,
        limit: int = 7,
    ) -> None:
        got.extend([count, what, client, delivery.appid, account.name, context.openid, type(message), limit])
        assert int not in features
        assert plain_log.name == __name__
        log.info("asked for")

    rig = Rig(router)
    await rig.handle(a_text_envelope("order tea"))
    assert got == ["", "tea", rig.wechat, "wx1", "shop", "o_1", TextMessage, 7]


async def test_the_readmes_handlers_work() -> None:
    """The first sample gives the replies that it promises."""
    router = Router("orders")

    @router.text(prefix="order ")
    async def order(message: TextMessage, context: Context) -> reply.Text:
        context.storage["step"] = "address"
        return reply.Text(f"Where shall we send {message.content[6:]}?")

    @router.default
    async def fallback(message: AnyMessage) -> None: ...

    rig = Rig(router)
    await rig.handle(a_text_envelope("order tea"))
    await rig.handle(an_event_envelope("subscribe", openid="o_1", lane="wx1:o_1"))
    assert rig.wechat.texts == ["Where shall we send tea?"]


async def untyped(message) -> None:  # type: ignore[no-untyped-def]  # noqa: D103 - what a user might write
    ...


async def of_wrong_type(message: TextMessage, basket: dict[str, int]) -> None:
    """Take a value that handlers cannot have."""


async def of_class(message: TextMessage, helper: RouteTable) -> None:
    """Take a value that handlers cannot have."""


async def of_other_message(message: ImageMessage) -> None:
    """Take another message than the route passes."""


async def unresolvable(message: "NotImported") -> None:  # type: ignore[name-defined]  # noqa: F821 - the point of it
    """Use a name that does not exist."""


async def with_args(*messages: TextMessage) -> None:
    """Take arguments without names."""


class HandlerObject:
    """A callable that is neither a function nor a method."""

    async def __call__(self, message: TextMessage) -> None:
        """Do nothing."""


async def of_words() -> int | None:
    """Return a value that is not a reply."""


async def of_yielding() -> AsyncIterator[reply.Text]:
    """Yield replies."""
    yield reply.Text("never")


@pytest.mark.parametrize(
    "hint",
    [None, Any, object, reply.AnyReply, reply.AnyReply | None, Sequence[reply.Text], list, SuccessResponse, ImageFile],
)
def test_annotations_that_may_be_replies_are_accepted(hint: Any) -> None:
    """Only annotations that cannot be replies are refused."""

    async def handle() -> None: ...

    handle.__annotations__["return"] = hint
    assert Router().text(handle) is handle


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (untyped, r"untyped: parameter 'message' has no annotation; a handler can take TextMessage, Context, Account"),
        (of_wrong_type, r"of_wrong_type: parameter 'basket' is annotated dict"),
        (of_class, r"of_class: parameter 'helper' is annotated RouteTable"),
        (of_other_message, r"'message' takes ImageMessage, but its route also passes TextMessage"),
        (unresolvable, r"unresolvable: an annotation cannot be resolved: name 'NotImported' is not defined"),
        (with_args, r"with_args: parameter \*messages.* cannot be passed by name"),
        (HandlerObject(), r"HandlerObject object at .* must be a function"),
        (of_words, r"of_words returns int; a handler returns a reply, a str, a list of them, or None"),
        (of_yielding, r"of_yielding yields; a handler returns a reply, a str, a list"),
    ],
)
def test_a_handler_that_cannot_be_called_is_an_error(handler: Any, text: str) -> None:
    """The error at registration names handler and parameter, and what it can take."""
    with pytest.raises(ConfigurationError, match=text):
        Router().text(handler)


def test_a_default_must_take_every_message() -> None:
    """It gets messages of all types."""
    with pytest.raises(ConfigurationError, match="takes TextMessage, but its route also passes Message"):

        @Router().default
        async def fallback(message: TextMessage) -> None: ...


def test_a_second_default_is_an_error() -> None:
    """Only one of them could be called."""
    router = Router("orders")

    @router.default
    async def first() -> None: ...

    with pytest.raises(ConfigurationError, match=r"orders already has a default, .*first"):

        @router.default
        async def second() -> None: ...


def test_wrong_registrations_are_errors() -> None:
    """A wrong expression, type, inclusion or time is reported at registration."""
    router, sub = Router("root"), Router("sub")
    with pytest.raises(ConfigurationError, match=re.escape("regular expression '('")):
        router.text(regex="(")
    for given in (TextMessage, 5):
        with pytest.raises(ConfigurationError, match="is not a type of event"):
            router.event(given)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="is not a type of message"):
        router.message("text")  # type: ignore[arg-type]
    for included in (5, MessageHandler):
        with pytest.raises(ConfigurationError, match="must be a Router or an instance of a MessageHandler class"):
            router.include(included)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="handler 5 must be"):
        router.on_error(5)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="text 5 must be a str"):
        router.text("five", 5)  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="cannot include"):
        router.include(router)
    sub.include(router)
    with pytest.raises(ConfigurationError, match="root cannot include sub"):
        router.include(sub)
    with pytest.raises(ConfigurationError, match="expire_after"):
        Router(expire_after=timedelta())
    with pytest.raises(ConfigurationError, match="expire_after must be a timedelta of more than zero, not 90"):
        Router(expire_after=90)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="max_record_count must be an int, not '3'"):
        Router(max_record_count="3")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="root has no handlers"):
        RouteTable(router)


async def test_fallbacks_take_the_options_of_a_route() -> None:
    """`default` and `unknown` accept a retry policy, a time limit and dedup."""
    router = Router()
    policy = RetryPolicy(attempts=1)

    @router.default(retry=policy, time_limit=timedelta(seconds=5), dedup=False)
    async def fallback() -> None:
        raise ValueError

    @router.unknown(retry=policy)
    async def unknown() -> None:
        raise ValueError

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), ToDeadLetters)
    assert isinstance(await rig.handle(an_event_envelope("new", openid="o_1", lane="wx1:o_1")), ToDeadLetters)
    route = await route_for(router, a_text("x"))
    assert route is not None
    assert (route.retry, route.time_limit, route.dedup) == (policy, timedelta(seconds=5), False)
    with pytest.raises(ConfigurationError, match="time_limit must be a timedelta"):
        Router().default(time_limit=5)(fallback)  # type: ignore[call-overload]


async def test_plain_functions_run_in_threads() -> None:
    """Routes, fallbacks, error handlers and `context_removed` may be plain functions; the event loop stays free."""
    router = Router()
    threads: list[str] = []

    @router.text("fail")
    def fail(context: Context) -> None:
        context.state = "failed"
        raise KeyError(threading.current_thread().name)

    @router.default
    def fallback(message: AnyMessage, delivery: CurrentDelivery) -> reply.Text:
        threads.append(threading.current_thread().name)
        return reply.Text(f"{message.msg_type} {delivery.attempt} {current_delivery().attempt}")

    @router.on_error(KeyError)
    def on_error(error: KeyError) -> reply.Text:
        return reply.Text(f"failed in {error.args[0]}")

    @router.context_removed
    def removed(context: Context) -> reply.Text:
        return reply.Text(f"removed {context.storage} in {threading.current_thread().name}")

    client = HandlerClient(router)
    assert (await client.text("x")).texts == ["text 1 1"]
    assert threads == ["handler"]
    assert (await client.text("fail")).texts == ["failed in handler"]
    assert (await client.expire()).texts == ["removed {} in handler"]


async def test_a_decorator_may_hide_an_async_function() -> None:
    """A plain function that returns a coroutine works like the coroutine's function."""
    router = Router()

    def logged(handler: Any) -> Any:
        @functools.wraps(handler)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            return handler(*arguments, **named)

        return wrapper

    @router.text
    @logged
    async def echo(message: TextMessage) -> reply.Text:
        return reply.Text(message.content)

    assert (await HandlerClient(router).text("x")).texts == ["x"]


def test_a_handler_stays_a_function() -> None:
    """Decorators return the function: it can be called, tested and registered twice."""
    router = Router()

    async def handle() -> None: ...

    assert router.text(handle) is handle
    assert router.image(handle) is handle
    assert router.voice(when=lambda _: True)(handle) is handle
    assert router.default(handle) is handle
