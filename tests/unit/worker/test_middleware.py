"""What runs around a router's handlers: middleware, features, error handlers."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.worker import KEY, Rig, a_text_envelope
from wxbus.errors import WeChatUnavailable
from wxbus_worker import (
    CallNext,
    ConfigurationError,
    Context,
    Features,
    HandlerCall,
    Message,
    Reject,
    RetryLater,
    Router,
    TextMessage,
    reply,
)
from wxbus_worker.delivery.settlement import Done, Retry, ToDeadLetters


@dataclass
class Customer:
    """A feature that middleware sets."""

    name: str


async def test_middleware_wraps_handlers_in_order_of_registration() -> None:
    """The first is outermost; that of an including router is outside of that of the included one."""
    root, shop, other = Router("root"), Router("shop"), Router("other")
    steps: list[str] = []

    def stage(name: str) -> None:
        async def around(call: HandlerCall, call_next: CallNext) -> object:
            steps.append(f"{name} {call.groups.get('what', '')}")
            returned = await call_next(call)
            steps.append(f"/{name}")
            return returned

        (shop if name == "shop" else root).middleware(around)

    @other.middleware
    async def elsewhere(call: HandlerCall, call_next: CallNext) -> object:
        raise AssertionError(f"not around the handler of {call.message}, {call_next}")

    @shop.text(regex="(?P<what>.+)")
    async def handle(what: str) -> reply.Text:
        steps.append("handler")
        return reply.Text(what)

    for name in ("first", "second", "shop"):
        stage(name)
    root.include(shop)
    root.include(other)
    rig = Rig(root)
    await rig.handle(a_text_envelope("x"))

    assert steps == ["first x", "second x", "shop x", "handler", "/shop", "/second", "/first"]
    assert rig.wechat.texts == ["x"]


async def test_middleware_may_reply_itself_and_change_replies() -> None:
    """The outermost one's result is sent; without `call_next` the handler is not called."""
    router = Router()

    @router.middleware
    async def shut(call: HandlerCall, call_next: CallNext) -> object:
        if isinstance(call.message, TextMessage) and call.message.content == "closed":
            return reply.Text("We are closed.")
        return [await call_next(call), reply.Text("Bye.")]

    @router.text
    async def handle() -> reply.Text:
        return reply.Text("Hello.")

    rig = Rig(router)
    await rig.handle(a_text_envelope("closed"))
    await rig.handle(a_text_envelope("open"))
    assert rig.wechat.texts == ["We are closed.", "Hello.", "Bye."]


async def test_handlers_take_features_by_type() -> None:
    """A declared feature is an argument; all are in `Features`, which is new for every call."""
    router = Router(features=[Customer])
    seen: list[object] = []

    @router.middleware
    async def customer(call: HandlerCall, call_next: CallNext) -> object:
        assert Customer not in call.features
        call.features[Customer] = Customer(f"customer of {call.account.name}")
        return await call_next(call)

    @router.text
    async def handle(customer: Customer, features: Features) -> None:
        seen.extend([customer.name, features[Customer] is customer, features.get(Context)])

    rig = Rig(router)
    await rig.handle(a_text_envelope())
    await rig.handle(a_text_envelope())
    assert seen == ["customer of shop", True, None] * 2


async def test_a_missing_feature_is_named() -> None:
    """The error of a forgotten middleware lists the existing features."""
    router = Router(features=[Customer])

    @router.text
    async def handle(customer: Customer) -> None: ...

    rig = Rig(router)
    settlement = await rig.handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert str(settlement.error) == "no middleware has set Customer; available: nothing"


def test_wrong_middleware_and_features_are_errors() -> None:
    """An undeclared type, a plain function or a value of another type is reported at registration."""
    router = Router()

    async def handle(customer: Customer) -> None: ...

    with pytest.raises(ConfigurationError, match="'customer' is annotated Customer"):
        router.text(handle)
    with pytest.raises(ConfigurationError, match="must be an `async def`"):
        router.middleware(lambda call, call_next: call_next(call))
    with pytest.raises(TypeError, match="cannot hold str"):
        Features()[Customer] = "name"


async def test_an_error_handler_may_reply_in_place_of_a_retry() -> None:
    """Its replies are sent and the message is done; the failed handler's changes are undone."""
    router = Router()

    @router.text
    async def fail(context: Context) -> None:
        context.storage["half"] = True
        context.state = "half"
        raise KeyError("tea")

    @router.on_error
    async def sorry(error: Exception, message: Message, context: Context) -> reply.Text:
        context.storage["errors"] = context.storage.get("errors", 0) + 1
        return reply.Text(f"Sorry, {type(error).__name__} at {type(message).__name__}.")

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), Done)
    assert isinstance(await rig.handle(a_text_envelope()), Done)
    assert rig.wechat.texts == ["Sorry, KeyError at TextMessage."] * 2
    context = (await rig.memory.open(KEY, "")).context
    assert (context.storage, context.state) == ({"errors": 2}, "")


async def test_an_error_handler_that_returns_none_passes_the_error_on() -> None:
    """The error goes to the including router, then to the retry policy."""
    root, shop = Router("root"), Router("shop")
    root.include(shop)
    seen: list[str] = []

    @shop.text
    async def fail() -> None:
        raise KeyError("tea")

    @shop.on_error(ValueError)
    async def of_another_type(error: ValueError) -> reply.Text:
        raise AssertionError(error)

    @shop.on_error(LookupError)
    async def inner(error: LookupError) -> None:
        seen.append(f"inner {error}")

    @root.on_error
    async def outer(error: Exception) -> None:
        seen.append(f"outer {error}")

    rig = Rig(root)
    settlement = await rig.handle(a_text_envelope())
    assert isinstance(settlement, Retry)
    assert isinstance(settlement.error, KeyError)
    assert seen == ["inner 'tea'", "outer 'tea'"]


@pytest.mark.parametrize(
    ("decision", "settlement"),
    [(RetryLater(), Retry), (Reject("no"), ToDeadLetters), (WeChatUnavailable("away"), Retry)],
)
async def test_decisions_do_not_go_to_error_handlers(decision: Exception, settlement: type) -> None:
    """`RetryLater`, `Reject` and `Unavailable` are not passed to error handlers."""
    router = Router()

    @router.text
    async def decide() -> None:
        raise decision

    @router.on_error
    async def sorry() -> reply.Text:
        return reply.Text("Sorry.")

    rig = Rig(router)
    assert isinstance(await rig.handle(a_text_envelope()), settlement)
    assert not rig.wechat.sent


def test_an_error_handler_must_accept_the_errors_it_is_registered_for() -> None:
    """Registered for all errors, it cannot take a `KeyError` only."""

    async def of_one_type(error: KeyError) -> None: ...

    with pytest.raises(ConfigurationError, match="'error' is annotated KeyError"):
        Router().on_error(of_one_type)
    register: Any = Router().on_error(KeyError)
    assert register(of_one_type) is of_one_type
