"""Slices of the storage, and what a dict storage refuses."""

import re
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from wxbus_worker import ConfigurationError, Context, Router, Skip, TextMessage
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.testing import HandlerClient


class Cart(BaseModel):
    """What a user wants to buy."""

    items: list[str] = []


class Shop(BaseModel):
    """The storage of a router with a field for the slice."""

    visits: int = 0
    cart: Cart = Cart()


def cart_router() -> Router:
    """Return a router that owns the slice `cart`."""
    router = Router("cart", storage=Cart, slice="cart")

    @router.text(prefix="add ")
    async def add(message: TextMessage, context: Context[Cart]) -> str:
        context.storage.items.append(message.content[4:])
        context.state = "cart"
        return str(len(context.storage.items))

    async def is_full(_message: TextMessage, context: Context[Cart]) -> bool:
        return len(context.storage.items) >= 2

    @router.text("more", when=is_full)
    async def more() -> str:
        return "full"

    @router.text("skip")
    async def skip(context: Context[Cart]) -> None:
        context.storage.items.append("skipped")
        raise Skip

    @router.text("fail")
    async def fail(context: Context[Cart]) -> None:
        context.storage.items.append("failed")
        raise ValueError("x")

    @router.on_error(ValueError)
    async def failed(context: Context[Cart]) -> str:
        return f"failed with {len(context.storage.items)}"

    @router.text("clear")
    async def clear(context: Context[Cart]) -> None:
        context.clear()

    @router.text("replace")
    async def replace(context: Context[Cart]) -> None:
        context.storage = Cart(items=["new"])

    @router.context_removed
    async def removed(context: Context[Cart]) -> str:
        return " ".join(context.storage.items)

    return router


@pytest.mark.parametrize("storage", [None, Shop])
async def test_an_included_router_owns_its_slice(storage: type[BaseModel] | None) -> None:
    """Its handlers, conditions and hooks see the slice as the storage: an entry of the dict, or a field of the model.

    The including router sees all of it; `state` and the messages are common; `clear` clears the slice only.
    """
    root = Router("root", storage=storage)
    root.include(cart_router())

    @root.text
    async def rest(context: Context) -> str:
        whole: Any = context.storage
        if isinstance(whole, Shop):
            whole.visits += 1
            return f"rest {len(whole.cart.items)} {context.state}"
        whole["visits"] = whole.get("visits", 0) + 1
        return f"rest {len(whole['cart']['items'])} {context.state}"

    client = HandlerClient(root)
    texts = ["add tea", "more", "add milk", "more", "skip", "fail", "other"]
    answers = [(await client.text(text)).texts for text in texts]
    assert answers == [["1"], ["rest 1 cart"], ["2"], ["full"], ["rest 2 cart"], ["failed with 2"], ["rest 2 cart"]]

    def as_json(context: Context[Any]) -> Any:
        return context.storage.model_dump() if isinstance(context.storage, BaseModel) else context.storage

    assert as_json(await client.context()) == {"cart": {"items": ["tea", "milk"]}, "visits": 3}
    assert as_json((await client.text("replace")).context) == {"cart": {"items": ["new"]}, "visits": 3}
    assert as_json((await client.text("clear")).context) == {"cart": {"items": []}, "visits": 3}
    await client.text("add tea")
    assert (await client.expire()).texts == ["tea"]


async def test_a_slice_may_be_a_dict_and_nest() -> None:
    """Without a model a slice is a dict; the slice of an included router comes before that of the including one."""
    root, outer, inner = Router("root"), Router("outer", slice="outer"), Router("inner", slice="inner")

    @inner.text("inner")
    async def inside(context: Context) -> None:
        context.storage["a"] = 1

    @outer.text("outer")
    async def outside(context: Context) -> None:
        context.storage["b"] = 2

    outer.include(inner)
    root.include(outer)
    client = HandlerClient(root)
    await client.text("inner")
    assert (await client.text("outer")).context.storage == {"inner": {"a": 1}, "outer": {"b": 2}}


def test_wrong_slices_are_errors() -> None:
    """A slice that the storage cannot hold, or that two routers define differently, is an error at the start."""

    class Other(BaseModel):
        cart: int = 0

    root = Router("root", storage=Other)
    root.include(cart_router())
    with pytest.raises(ConfigurationError, match="router cart has the slice 'cart': Other needs a field"):
        RouteTable(root)
    root = Router("root")
    root.include(cart_router())
    root.include(Router("dict", slice="cart"))
    with pytest.raises(ConfigurationError, match="routers cart and dict have different storages as 'cart'"):
        RouteTable(root)
    with pytest.raises(ConfigurationError, match="slice must be a name, not 'a b'"):
        Router(slice="a b")
    wrong = Router("wrong", storage=Cart, slice="cart")

    @wrong.text
    async def wants_shop(context: Context[Shop]) -> None: ...

    with pytest.raises(ConfigurationError, match=r"wants_shop takes Context\[Shop\], but the storage of slice 'cart'"):
        RouteTable(wrong)


async def test_a_wrong_value_of_a_slice_is_named() -> None:
    """The error at the end of the handler names the field."""
    router = Router("cart", storage=Cart, slice="cart")

    @router.text
    async def wrong(context: Context[Cart]) -> None:
        context.storage.items = 5  # type: ignore[assignment] # what is tested

    with pytest.raises(TypeError, match=r"context\.storage cannot be stored: items: Input should be a valid list"):
        await HandlerClient(router).text("x")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda storage: storage.__setitem__("day", timedelta(1)),
            "context.storage['day'] cannot be stored: O",
        ),
        (
            lambda storage: storage.update(day=timedelta(1)),
            "context.storage['day'] cannot be stored: Obj",
        ),
        (lambda storage: storage.setdefault("day", {1}), "context.storage['day'] cannot be stored: Object of type set"),
        (
            lambda storage: storage.__ior__({"day": b""}),
            "context.storage['day'] cannot be stored",
        ),
        (lambda storage: storage.__setitem__("a", float("nan")), "context.storage['a'] cannot be stored: Out of range"),
        (
            lambda storage: storage.__setitem__("a", "\ud800"),
            "context.storage['a'] cannot be stored: 'utf",
        ),
        (lambda storage: storage.__setitem__(5, "a"), "context.storage: a key must be a str, not 5"),
    ],
)
async def test_a_value_that_json_cannot_hold_fails_in_the_line_that_sets_it(change: Any, text: str) -> None:
    """The traceback ends in the handler's line, and names key and type, not the value."""
    router = Router()

    @router.text
    async def set_it(context: Context) -> None:
        context.storage["fine"] = {"nested": [1, 2.5, None, "文", True]}
        change(context.storage)
        pytest.fail("it was accepted")

    with pytest.raises(TypeError, match=re.escape(text)):
        await HandlerClient(router).text("x")
