"""What a handler keeps about a user."""

from datetime import UTC, datetime, timedelta

import pytest

from wxbus_worker import Context, ContextPolicy, TextMessage, reply
from wxbus_worker.context.context import encode, record


def again(context: Context, policy: ContextPolicy | None = None) -> Context:
    """The context as the next message finds it."""
    return Context("wx1", "o_1", policy or ContextPolicy(), encode(context))


def a_document(content: str) -> dict[str, object]:
    """A text message's document."""
    return {
        "ToUserName": "gh",
        "FromUserName": "o_1",
        "CreateTime": "1",
        "MsgType": "text",
        "Content": content,
        "MsgId": "9007199254740993123",
    }


def test_a_new_context_is_empty() -> None:
    """A first message finds nothing, and the policy's expiry."""
    context = Context("wx1", "o_1", ContextPolicy(expire_after=timedelta(hours=2)))
    assert context.storage == {}
    assert (context.last_request, context.last_response, context.last_active) == (None, None, None)
    assert context.expire_after == timedelta(hours=2)


def test_what_is_kept_comes_back() -> None:
    """Storage, messages, replies and time survive the store exactly; ids keep all their digits."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"step": "地址", "items": [1, 2.5, None, {"a": True}]}
    record(context, a_document("hi"), [reply.Text("a"), reply.Image("m")], received_at=1_700_000_000.25)
    kept = again(context)

    assert kept.storage == context.storage
    assert isinstance(kept.last_request, TextMessage)
    assert kept.last_request.msg_id == "9007199254740993123"
    assert kept.responses == [reply.Text("a"), reply.Image("m")]
    assert kept.last_active == datetime(2023, 11, 14, 22, 13, 20, 250_000, UTC)


def test_words_of_several_lines_stay_one_record() -> None:
    """Records are lines: what a user or a handler writes cannot end one."""
    words = "one\ntwo\r\u2028three\n"
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"words\n": words}
    record(context, a_document(words), [reply.Text(words), reply.Text("next")], received_at=1.0)
    kept = again(context)

    assert kept.storage == {"words\n": words}
    assert isinstance(kept.last_request, TextMessage)
    assert kept.last_request.content == words
    assert kept.responses == [reply.Text(words), reply.Text("next")]


def test_a_user_may_have_an_expiry_of_their_own() -> None:
    """It is kept with the context; other users keep that of the router, also when the router's changes."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.expire_after = timedelta(days=3)
    assert again(context).expire_after == timedelta(days=3)
    untouched = Context("wx1", "o_2", ContextPolicy())
    assert again(untouched, ContextPolicy(expire_after=timedelta(minutes=5))).expire_after == timedelta(minutes=5)
    for wrong in (timedelta(), 90):
        with pytest.raises(ValueError, match="expire_after must be a timedelta of more than zero"):
            context.expire_after = wrong  # type: ignore[assignment]


def test_it_can_be_logged() -> None:
    """It says whose it is and where it stands, and nothing of what the user or a handler wrote."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage["address"] = "12 Nanjing Road"
    context.state = "address"
    record(context, a_document("12 Nanjing Road"), [reply.Text("Nanjing?"), reply.Text("Thanks.")], received_at=1.0)
    assert repr(context) == "Context(appid='wx1', openid='o_1', state='address', requests=1, responses=2)"


def test_clear_forgets_everything() -> None:
    """The next message finds a new conversation."""
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
    """The newest `max_record_count` stay; 0 or less keeps all."""
    context = Context("wx1", "o_1", ContextPolicy(max_record_count=most))
    for number in range(5):
        record(context, a_document(str(number)), [reply.Text(str(number))], received_at=1.0)
    assert [one.content for one in context.requests if isinstance(one, TextMessage)] == kept
    assert [one.content for one in context.responses if isinstance(one, reply.Text)] == kept


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", float("nan"), datetime(2024, 1, 1, tzinfo=UTC), "\ud800"])
def test_what_json_cannot_hold_names_its_key(value: object) -> None:
    """The handler's author sees which entry it is."""
    context = Context("wx1", "o_1", ContextPolicy())
    context.storage = {"fine": 1, "bad": value}
    with pytest.raises(TypeError, match=r"context\.storage"):
        encode(context)


def test_a_context_shows_handlers_only_what_they_may_use() -> None:
    """What the worker does with a context is not among its attributes."""
    shown = {name for name in dir(Context("wx1", "o_1", ContextPolicy())) if not name.startswith("_")}

    assert shown == {
        *("appid", "clear", "expire_after", "last_active", "last_request", "last_response"),
        *("openid", "requests", "responses", "state", "storage"),
    }
