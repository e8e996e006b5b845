"""A pydantic model as storage."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, Field

from wxbus_worker import ConfigurationError, Context, Router, TextMessage, reply
from wxbus_worker.context.context import ContextPolicy, encode, undo_changes
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.testing import HandlerClient


class Line(BaseModel):
    """One item in a cart."""

    name: str
    count: int = Field(default=1, ge=1)


class CartState(BaseModel):
    """A shop's data about a user."""

    lines: list[Line] = []
    day: date | None = None


class Changed(BaseModel):
    """An incompatible later version."""

    lines: int = 0


def again(context: Context[CartState]) -> Context[CartState]:
    """Return the context as it is for the next message."""
    return Context("wx1", "o_1", ContextPolicy(storage=CartState), encode(context))


@pytest.fixture
def context() -> Context[CartState]:
    """Return a new user's context."""
    return Context("wx1", "o_1", ContextPolicy(storage=CartState))


def test_a_stored_model_is_restored(context: Context[CartState]) -> None:
    """Types are kept; `clear` and `undo_changes` return a model, too."""
    assert context.storage == CartState()
    context.storage.lines.append(Line(name="茶", count=2))
    context.storage.day = datetime(2023, 11, 14, tzinfo=UTC).date()
    kept = again(context)
    assert kept.storage == context.storage
    assert isinstance(kept.storage.lines[0], Line)
    kept.clear()
    assert kept.storage == CartState()
    undo_changes(kept)
    assert kept.storage == context.storage


def test_a_value_that_the_model_does_not_allow_is_not_stored(context: Context[CartState]) -> None:
    """The next message could not load it. The error names the field without its value."""
    context.storage.lines.append(Line(name="tea"))
    context.storage.lines[0].count = 0
    with pytest.raises(TypeError, match=r"lines\.0\.count: Input should be greater than or equal to 1"):
        encode(context)
    context.storage.lines[0].count = "secret"  # type: ignore[assignment] # what is tested
    with pytest.raises(TypeError, match=r"lines\.0\.count: Input should be a valid integer") as caught:
        encode(context)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    context.storage = {}  # type: ignore[assignment] # what is tested
    with pytest.raises(TypeError, match="must be CartState, not dict"):
        encode(context)


def test_an_incompatible_stored_context_is_reported_without_values(context: Context[CartState]) -> None:
    """The error names the fields; the message is retried, for example after a fix.

    A handler that does not use the storage runs, and the storage stays as it is.
    """
    context.storage.lines.append(Line(name="secret"))
    changed = Context("wx1", "o_1", ContextPolicy(storage=Changed), encode(context))
    changed.state = "paying"
    with pytest.raises(ValueError, match=r"does not fit Changed: lines: Input should be a valid integer") as caught:
        _ = changed.storage
    assert "secret" not in str(caught.value)
    restored: Context[CartState] = Context("wx1", "o_1", ContextPolicy(storage=CartState), encode(changed))
    assert (restored.state, restored.storage) == ("paying", context.storage)


def test_a_storage_that_is_not_a_dict_is_an_error() -> None:
    """Handlers of the next message expect a dict."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = ["a"]  # type: ignore[assignment] # what is tested
    with pytest.raises(TypeError, match="must be a dict, not list"):
        encode(context)


async def test_handlers_share_the_model_of_the_running_router() -> None:
    """Included routers, too. A handler with another model is an error at start."""
    router, sub = Router("shop", storage=CartState), Router("sub")
    router.include(sub)

    @sub.text
    async def add(message: TextMessage, context: Context[CartState]) -> reply.Text:
        context.storage.lines.append(Line(name=message.content))
        return reply.Text(str(len(context.storage.lines)))

    client = HandlerClient(router)
    await client.text("a")
    answer = await client.text("b")
    assert answer.texts == ["2"]
    added: Context[Any] = answer.context
    assert added.storage.lines == [Line(name="a"), Line(name="b")]

    with pytest.raises(ConfigurationError, match=r"add takes Context\[CartState\], but .* router sub is dict"):
        RouteTable(sub)

    @router.image
    async def of_a_dict(context: Context[dict[str, int]]) -> None: ...

    with pytest.raises(ConfigurationError, match=r"of_a_dict takes Context\[dict\].*router shop is CartState"):
        RouteTable(router)


@pytest.mark.parametrize(
    "settings", [{"storage": CartState}, {"expire_after": timedelta(hours=2)}, {"max_record_count": 3}]
)
def test_an_included_router_cannot_have_other_context_settings(settings: dict[str, Any]) -> None:
    """Only those of the running router apply; others are errors."""
    inner, between = Router("cart", **settings), Router("orders")

    @inner.text
    async def handle() -> None: ...

    between.include(inner)
    root, fitting = Router("shop"), Router("shop", **settings)
    for router in (root, fitting):
        router.include(between)
    (name,) = settings
    with pytest.raises(ConfigurationError, match=f"router cart has {name} .*; set it on shop"):
        RouteTable(root)
    assert len(RouteTable(fitting)) == len(RouteTable(inner)) == 1


def test_a_wrong_model_is_an_error() -> None:
    """Every field needs a default for new users."""
    with pytest.raises(ConfigurationError, match="storage Line: every field needs a default: name: Field required"):
        Router(storage=Line)
    with pytest.raises(ConfigurationError, match="must be a pydantic model, not <class 'dict'>"):
        Router(storage=dict)  # type: ignore[arg-type] # what is tested
