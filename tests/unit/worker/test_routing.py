"""Conditions of routes, and messages that a handler passes on."""

from typing import Any

import pytest

from tests.support.worker import APPID, OPENID, Rig, a_text_envelope
from wxbus_worker import (
    Account,
    AccountKind,
    AnyMessage,
    CallNext,
    ClickEvent,
    ConfigurationError,
    Context,
    HandlerCall,
    ImageMessage,
    Message,
    MessageHandler,
    Router,
    ScanEvent,
    Skip,
    SubscribeEvent,
    TextMessage,
    ViewEvent,
    options,
    reply,
)
from wxbus_worker.delivery.settlement import Done
from wxbus_worker.testing import HandlerClient

BRANCH = Account(name="branch", appid="wx2", kind=AccountKind.OFFICIAL_ACCOUNT)


async def test_texts_and_events_match_by_their_parts() -> None:
    """`contains`, `prefix`, `menu_id`, `key_prefix` and `scene_prefix` take one value or several."""
    router = Router()

    @router.text(contains=("refund", "退款"))
    async def refund() -> str:
        return "refund"

    @router.text(prefix=("buy ", "order "))
    async def buy() -> str:
        return "buy"

    @router.text(menu_id=("yes", "no"))
    async def answer() -> str:
        return "answer"

    @router.event(ClickEvent, key_prefix="SHOP_")
    async def shop() -> str:
        return "shop"

    @router.event(ViewEvent, menu_id="7")
    async def seventh() -> str:
        return "seventh"

    @router.event(SubscribeEvent, scene_prefix="poster-")
    @router.event(ScanEvent, scene_prefix="poster-")
    async def poster() -> str:
        return "poster"

    client = HandlerClient(router)
    found: dict[str, list[Message]] = {
        "refund": [client.new(TextMessage, content="a refund, please"), client.new(TextMessage, content="我要退款")],
        "buy": [client.new(TextMessage, content="buy tea"), client.new(TextMessage, content="order tea")],
        "answer": [client.new(TextMessage, content="Yes", menu_id="yes")],
        "shop": [client.new(ClickEvent, event_key="SHOP_TEA")],
        "seventh": [client.new(ViewEvent, event_key="http://x", menu_id="7")],
        "poster": [
            client.new(SubscribeEvent, event_key="qrscene_poster-1", ticket="t"),
            client.new(ScanEvent, event_key="poster-2", ticket="t"),
        ],
    }
    for name, messages in found.items():
        for message in messages:
            assert (await client.send(message)).texts == [name]
    others = [
        client.new(TextMessage, content="rebuy"),
        client.new(TextMessage, content="Yes", menu_id="maybe"),
        client.new(ClickEvent, event_key="A_SHOP_"),
        client.new(ViewEvent, event_key="http://x", menu_id="8"),
        client.new(ScanEvent, event_key="poster", ticket="t"),
    ]
    for message in others:
        assert (await client.send(message)).texts == []


async def test_a_route_or_a_router_may_be_for_some_accounts() -> None:
    """`account` limits a route, a fallback, a method of a class, or a whole router with its fallbacks and hooks."""
    router, branch = Router(), Router("branch", account="branch")

    @router.text("hours", account=("shop", "other"))
    async def hours() -> str:
        return "9 to 18"

    @branch.default
    async def of_branch() -> str:
        return "branch"

    @branch.context_removed
    async def forgotten() -> str:
        return "forgotten"

    class Bot(MessageHandler):
        @options(account="shop", state="")
        async def on_image(self) -> str:
            return "image"

    router.include(branch)
    router.include(Bot())
    router.default(_unhandled)

    seen = []
    for account in (Account(name="shop", appid="wx1", kind=AccountKind.OFFICIAL_ACCOUNT), BRANCH):
        client = HandlerClient(router, account=account)
        picture = client.new(ImageMessage, media_id="m", pic_url="")
        seen.append(
            [(await client.text("hours")).texts, (await client.send(picture)).texts, (await client.expire()).texts]
        )
    assert seen == [[["9 to 18"], ["image"], []], [["root"], ["root"], ["forgotten"]]]

    client = HandlerClient(branch, account=BRANCH)
    assert (await client.text("x")).texts == ["branch"]
    assert (await HandlerClient(branch).text("x")).texts == []


async def _unhandled() -> str:
    return "root"


async def test_when_may_be_async_and_takes_arguments_by_type() -> None:
    """A condition may ask a database: an `async def` function, with the arguments of handlers."""
    router = Router(features=[set])
    members = {"o_member"}

    async def is_member(message: TextMessage, context: Context) -> bool:
        return message.from_user in members and context.state == ""

    def is_long(message: TextMessage) -> bool:
        return len(message.content) > 5

    async def never(_: TextMessage) -> bool:
        return False

    @router.text(when=never)
    async def nobody() -> str:
        return "never"

    @router.text(when=is_member)
    async def member() -> str:
        return "member"

    @router.text(when=is_long)
    async def long() -> str:
        return "long"

    @router.text(when=lambda message: message.content == "lambda")
    async def exact() -> str:
        return "lambda"

    client = HandlerClient(router)
    texts = [await client.send(client.new(TextMessage, content="x", from_user="o_member"))]
    texts += [await client.text(content) for content in ("long text", "x")]
    assert [one.texts for one in texts] == [["member"], ["long"], []]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"when": 5}, "when must be a function of the message, not 5"),
        ({"when": lambda _message, _pool: True}, "parameter '_message' has no annotation"),
        ({"account": 5}, "5 must be a str or a tuple of them"),
        ({"contains": 5}, "5 must be a str or a tuple of them"),
        ({"state": ["a", 5]}, "must be a str or a tuple of them"),
    ],
)
def test_wrong_conditions_are_errors(arguments: dict[str, Any], text: str) -> None:
    """A condition that cannot be checked is refused when it is registered."""
    with pytest.raises(ConfigurationError, match=text):
        Router().text(**arguments)(_unhandled)
    with pytest.raises(ConfigurationError, match="ScanEvent has no menu_id"):
        Router().event(ScanEvent, menu_id="x")


async def test_a_plain_condition_that_returns_a_coroutine_fails() -> None:
    """A coroutine is true: a `when` that hides an `async def` would match everything."""
    router = Router()

    async def never() -> bool:
        return False

    router.text(when=lambda message: never())(_unhandled)  # noqa: ARG005
    with pytest.raises(TypeError, match="returned an awaitable: it must be an `async def` function"):
        await HandlerClient(router).text("x")


async def test_skip_passes_a_message_to_the_next_route() -> None:
    """After `Skip` the next route that matches gets the message, then the fallback; changes are undone.

    Middleware and `on_executed` see it; error handlers do not.
    """
    router, seen = Router(), list[object]()

    @router.middleware
    async def watch(call: HandlerCall, call_next: CallNext) -> object:
        try:
            return await call_next(call)
        except Skip as exc:
            seen.append(type(exc))
            raise

    @router.on_error
    async def failed() -> str:
        return "on_error"

    @router.text(regex="(?P<first>.)")
    async def first(context: Context, first: str) -> None:
        context.storage["first"] = first
        raise Skip

    @router.text(prefix="no")
    async def other() -> str:
        return "no"

    @router.text(contains="b")
    async def second(context: Context) -> str:
        context.storage["second"] = True
        if context.requests:
            raise Skip
        return "second"

    @router.default
    async def fallback(message: AnyMessage) -> str | None:
        if message.from_user == "o_last":
            raise Skip
        return "fallback"

    client = HandlerClient(router)
    results = [await client.text("ab"), await client.text("ab")]
    assert [result.texts for result in results] == [["second"], ["fallback"]]
    assert [result.context.storage for result in results] == [{"second": True}, {"second": True}]
    assert seen == [Skip, Skip, Skip]
    last = await client.send(client.new(TextMessage, content="x", from_user="o_last"))
    assert (last.texts, last.outcome) == ([], "done")


async def test_skip_of_one_removal_handler_does_not_stop_the_others() -> None:
    """Each `context_removed` handler gets the context; one that skips does nothing."""
    router = Router()

    @router.text
    async def hello() -> None: ...

    @router.context_removed
    async def first() -> None:
        raise Skip

    @router.context_removed
    async def second() -> str:
        return "second"

    client = HandlerClient(router)
    await client.text("x")
    assert (await client.expire()).texts == ["second"]


async def test_the_retry_policy_is_that_of_the_handler_that_failed() -> None:
    """After a `Skip`, errors count for the route that raised them."""
    router = Router()

    @router.text
    async def first() -> None:
        raise Skip

    @router.text
    async def failing() -> None:
        raise ValueError("x")

    result = await HandlerClient(router, raise_errors=False).text("x")
    assert result.outcome == "retried"
    assert str(result.error) == "x"


async def test_a_str_is_a_text() -> None:
    """A handler may return a `str`, alone or in a list; a long one is split."""
    router = Router()

    @router.text("one")
    def one() -> str:
        return "first"

    @router.text("many")
    async def many() -> list[str | reply.Image]:
        return ["a", reply.Image("m"), "b" * 2049]

    client = HandlerClient(router)
    assert (await client.text("one")).replies == [reply.Text("first")]
    assert (await client.text("many")).replies == [
        reply.Text("a"),
        reply.Image("m"),
        reply.Text("b" * 2048),
        reply.Text("b"),
    ]


@pytest.mark.parametrize("make", [lambda: "", lambda: reply.Text(""), lambda: ["a", ""], lambda: reply.Image("")])
async def test_an_empty_reply_is_an_error_at_once(make: Any) -> None:
    """Another attempt would make the same: the dead letter names the handler and the field, without the value."""
    router = Router()

    @router.text
    async def speechless() -> Any:
        return make()

    rig = Rig(router)
    assert not isinstance(await rig.handle(a_text_envelope()), Done)
    ((_, death),) = rig.memory_publisher.dead_letters
    assert (death.reason, death.attempts) == ("reject", 1)
    assert "speechless: reply." in death.error
    assert "at least 1 character" in death.error
    assert not rig.wechat.sent
    assert (await rig.memory.get(APPID, OPENID)) is None
