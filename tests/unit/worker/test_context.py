"""A user's context: defaults, storage, records, expiry."""

from datetime import UTC, datetime, timedelta

import pytest

from wxbus.wechat.documents.document import Document
from wxbus_worker import Context, TextMessage, reply
from wxbus_worker.context.context import ContextPolicy, encode
from wxbus_worker.context.records import record


def again(context: Context, policy: ContextPolicy | None = None) -> Context:
    """Return the context as it is for the next message."""
    return Context("wx1", "o_1", policy or ContextPolicy(), encode(context))


def a_document(content: str) -> Document:
    """Return the document of a text message."""
    return {
        "ToUserName": "gh",
        "FromUserName": "o_1",
        "CreateTime": "1",
        "MsgType": "text",
        "Content": content,
        "MsgId": "9007199254740993123",
    }


def test_a_new_context_is_empty() -> None:
    """A new user's context has only the policy's expiry."""
    context = Context("wx1", "o_1", ContextPolicy(expire_after=timedelta(hours=2)))
    assert context.storage == {}
    assert (context.last_request, context.last_response, context.last_active) == (None, None, None)
    assert context.expire_after == timedelta(hours=2)


def test_a_stored_context_is_restored() -> None:
    """Storage, messages, replies and time are restored exactly, ids with all digits."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"step": "地址", "items": [1, 2.5, None, {"a": True}]}
    record(context, a_document("hi"), [reply.Text("a"), reply.Image("m")], received_at=1_700_000_000.25)
    kept = again(context)

    assert kept.storage == context.storage
    assert isinstance(kept.last_request, TextMessage)
    assert kept.last_request.msg_id == "9007199254740993123"
    assert kept.responses == [reply.Text("a"), reply.Image("m")]
    assert kept.last_active == datetime(2023, 11, 14, 22, 13, 20, 250_000, UTC)


def test_a_record_may_contain_line_breaks() -> None:
    """Records are stored as lines; texts of users and handlers cannot split one."""
    words = "one\ntwo\r\u2028three\n"
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"words\n": words}
    record(context, a_document(words), [reply.Text(words), reply.Text("next")], received_at=1.0)
    kept = again(context)

    assert kept.storage == {"words\n": words}
    assert isinstance(kept.last_request, TextMessage)
    assert kept.last_request.content == words
    assert kept.responses == [reply.Text(words), reply.Text("next")]


def test_a_user_may_have_a_different_expiry() -> None:
    """It is stored with the context. Other users have the router's expiry, also after a change."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.expire_after = timedelta(days=3)
    assert again(context).expire_after == timedelta(days=3)
    untouched = Context("wx1", "o_2", ContextPolicy())
    assert again(untouched, ContextPolicy(expire_after=timedelta(minutes=5))).expire_after == timedelta(minutes=5)
    for wrong in (timedelta(), 90):
        with pytest.raises(ValueError, match="expire_after must be a timedelta of more than zero"):
            context.expire_after = wrong  # type: ignore[assignment]


def test_the_repr_contains_no_user_data() -> None:
    """It has the user's ids and the state, and no data of the user or a handler."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage["address"] = "12 Nanjing Road"
    context.state = "address"
    record(context, a_document("12 Nanjing Road"), [reply.Text("Nanjing?"), reply.Text("Thanks.")], received_at=1.0)
    assert repr(context) == "Context(appid='wx1', openid='o_1', state='address', requests=1, responses=2)"


def test_clear_deletes_everything() -> None:
    """The next message has an empty context."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage["a"] = 1
    context.expire_after = timedelta(days=1)
    record(context, a_document("hi"), [reply.Text("a")], received_at=1.0)
    context.clear()
    kept = again(context)
    assert (kept.storage, kept.requests, kept.responses) == ({}, [], [])
    assert kept.expire_after == ContextPolicy().expire_after


@pytest.mark.parametrize(
    ("most", "kept"), [(2, ["3", "4"]), (0, ["0", "1", "2", "3", "4"]), (-1, ["0", "1", "2", "3", "4"])]
)
def test_records_are_bounded(most: int, kept: list[str]) -> None:
    """The latest `max_record_count` remain; with 0 or less all."""
    context = Context("wx1", "o_1", ContextPolicy(max_record_count=most))
    for number in range(5):
        record(context, a_document(str(number)), [reply.Text(str(number))], received_at=1.0)
    assert [one.content for one in context.requests if isinstance(one, TextMessage)] == kept
    assert [one.content for one in context.responses if isinstance(one, reply.Text)] == kept


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", float("nan"), datetime(2024, 1, 1, tzinfo=UTC), "\ud800"])
def test_a_value_that_json_cannot_hold_is_named(value: object) -> None:
    """The error names the key of the storage."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"fine": 1, "bad": value}
    with pytest.raises(TypeError, match=r"context\.storage"):
        encode(context)


def test_a_context_has_only_public_attributes_for_handlers() -> None:
    """Functions of the worker are not attributes."""
    shown = {name for name in dir(Context("wx1", "o_1", ContextPolicy())) if not name.startswith("_")}

    assert shown == {
        *("appid", "clear", "expire_after", "last_active", "last_request", "last_response"),
        *("openid", "requests", "responses", "state", "storage"),
    }
