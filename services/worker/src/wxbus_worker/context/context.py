"""One user's conversation, as handlers see it.

It is stored as lines of JSON: a head that every message needs, then the storage, then one line for each request and
each response. All but the head are parsed only when a handler reads them; an unread storage is stored as it is.

`Context` has only what handlers may use. The worker's own operations on a context are functions of this module.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic

from pydantic_core import from_json, to_json
from typing_extensions import TypeVar

from wxbus.errors import ConfigurationError
from wxbus.wechat import AnyMessage, parse_message
from wxbus.wechat.replies.reply import AnyReply, reply_from_json
from wxbus_worker.context import storage
from wxbus_worker.context.send_window import SendWindow
from wxbus_worker.context.slices import Slice
from wxbus_worker.context.storage import StorageModel

S = TypeVar("S", default=dict[str, Any])

DEFAULT_EXPIRE_AFTER = timedelta(minutes=90)
DEFAULT_MAX_RECORD_COUNT = 10
UNREAD: Final = object()


@dataclass(frozen=True, slots=True)
class ContextPolicy:
    """How long contexts live and how much of the conversation they keep."""

    expire_after: timedelta = DEFAULT_EXPIRE_AFTER
    """After the last message. A context may have its own, see `Context.expire_after`."""
    max_record_count: int = DEFAULT_MAX_RECORD_COUNT
    """Number of latest requests that are kept, and of responses; 0 or less: all of them."""
    storage: StorageModel | None = None
    """Type of `Context.storage`; None: dict."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError for a wrong value."""
        if not _is_time(self.expire_after):
            raise ConfigurationError(f"expire_after must be a timedelta of more than zero, not {self.expire_after!r}")
        if not isinstance(self.max_record_count, int):
            raise ConfigurationError(f"max_record_count must be an int, not {self.max_record_count!r}")
        storage.check_model(self.storage)


class Context(Generic[S]):
    """One user's conversation with one account. Changes are saved when the message is committed.

    The `storage` of `Context` is a dict, that of `Context[CartState]` the model of a `Router(storage=CartState)`.
    """

    __slots__ = (
        "_expire_after",
        "_last_active",
        "_policy",
        "_requests",
        "_responses",
        "_slice",
        "_slices",
        "_storage",
        "_storage_json",
        "_stored",
        "_window",
        "appid",
        "openid",
        "state",
    )

    def __init__(self, appid: str, openid: str | None, policy: ContextPolicy, stored: bytes = b"") -> None:
        """`stored` comes from `encode`; b"": a new conversation."""
        self.appid = appid
        self.openid = openid
        """None for a system event without a user: its context is empty and is not saved."""
        self._policy = policy
        self._stored = stored
        self._storage_json: bytes
        self._storage: Any
        """The parsed storage, or `UNREAD`."""
        self._slice: Slice | None = None
        """The part that the running handler sees as its storage; None: all of it."""
        self._slices: dict[Slice, Any]
        """The parts that were used."""
        self.state: str
        """State of the conversation, for routes with `state=`; "": none."""
        self._last_active: float | None
        self._expire_after: float | None
        self._requests: list[bytes]
        self._responses: list[bytes]
        self._window: SendWindow | None = None
        undo_changes(self)

    def __repr__(self) -> str:
        """Return user and state, without the conversation: it may be logged."""
        return (
            f"{type(self).__name__}(appid={self.appid!r}, openid={self.openid!r}, state={self.state!r}, "
            f"requests={len(self._requests)}, responses={len(self._responses)})"
        )

    @property
    def storage(self) -> S:
        """Return the handlers' data about this user: a dict of JSON values, or the router's model.

        Raises:
            ValueError: The stored storage does not fit the model, which has changed; the text names the fields.
        """
        part = self._slice
        if part is None:
            return self._whole()  # type: ignore[no-any-return] # S
        if part not in self._slices:
            self._slices[part] = part.load(self._whole())
        return self._slices[part]  # type: ignore[no-any-return] # S

    @storage.setter
    def storage(self, value: S) -> None:
        if self._slice is None:
            self._storage = value
        else:
            self._slices[self._slice] = value

    def _whole(self) -> Any:
        """Return the storage, which is parsed at its first use."""
        if self._storage is UNREAD:
            self._storage = storage.from_json(self._policy.storage, self._storage_json)
        return self._storage

    @property
    def expire_after(self) -> timedelta:
        """Time from the last message until this context is removed. Set it to change it for this user."""
        return self._policy.expire_after if self._expire_after is None else timedelta(seconds=self._expire_after)

    @expire_after.setter
    def expire_after(self, value: timedelta) -> None:
        if not _is_time(value):
            raise ValueError(f"expire_after must be a timedelta of more than zero, not {value!r}")
        self._expire_after = value.total_seconds()

    @property
    def last_active(self) -> datetime | None:
        """When the previous message was received; None: there was none."""
        return None if self._last_active is None else datetime.fromtimestamp(self._last_active, UTC)

    @property
    def requests(self) -> Sequence[AnyMessage]:
        """Return the user's previous messages, latest last."""
        return [parse_message(json.loads(request)) for request in self._requests]

    @property
    def responses(self) -> Sequence[AnyReply]:
        """Return the replies to them, latest last."""
        return [reply_from_json(response) for response in self._responses]

    @property
    def last_request(self) -> AnyMessage | None:
        """Return the previous message."""
        return parse_message(json.loads(self._requests[-1])) if self._requests else None

    @property
    def last_response(self) -> AnyReply | None:
        """Return the last reply."""
        return reply_from_json(self._responses[-1]) if self._responses else None

    def clear(self) -> None:
        """Delete storage, state, messages and this user's own expiry; in a router with a slice only the slice."""
        if self._slice is not None:
            self.storage = storage.load(self._slice.model, None)
            return
        self._storage, self._slices = storage.load(self._policy.storage, None), {}
        self.state = ""
        self._requests = []
        self._responses = []
        self._expire_after = None


def undo_changes(context: Context[Any]) -> None:
    """Reset the context to the stored state."""
    head, *records = context._stored.split(b"\n")
    stored = from_json(head or b"{}")
    context._storage_json = records.pop(0) if records else b""
    context._storage, context._slices = UNREAD, {}
    context._last_active = stored.get("last_active")
    context.state = stored.get("state", "")
    context._expire_after = stored.get("expire_after")
    if context._window is None:  # messages that a failed handler has sent stay counted
        context._window = SendWindow(stored.get("window"))
    requests = stored.get("requests", 0)
    context._requests, context._responses = records[:requests], records[requests:]


@contextmanager
def seen_as(context: Context[Any], part: Slice) -> Iterator[None]:
    """Let handlers see this part as the storage."""
    before, context._slice = context._slice, part
    try:
        yield
    finally:
        context._slice = before


def window_of(context: Context[Any]) -> SendWindow:
    """Return the window of messages that WeChat still allows to the user."""
    assert context._window is not None  # noqa: S101 - for mypy
    return context._window


def stored(context: Context[Any]) -> bytes:
    """Return the context as it was read, see `encode`; b"": a new conversation."""
    return context._stored


def encode(context: Context[Any]) -> bytes:
    """Return the context as it is stored.

    Raises:
        TypeError: `storage` has a value that JSON cannot hold, or that its model does not allow; the text names it.
    """
    for one, part in context._slices.items():
        one.save(context._whole(), part)
    data = context._storage_json
    if context._storage is not UNREAD:
        data = storage.to_json(context._policy.storage, context._storage)
    head = {
        "state": context.state,
        "last_active": context._last_active,
        "expire_after": context._expire_after,
        "requests": len(context._requests),
        "window": window_of(context).to_json(),
    }
    try:
        encoded = to_json(head)
    except ValueError as exc:
        raise TypeError(f"context.state cannot be stored: {exc}") from exc
    return b"\n".join((encoded, data, *context._requests, *context._responses))


def _is_time(given: object) -> bool:
    return isinstance(given, timedelta) and given > timedelta()
