"""What a handler knows of a user's conversation, and keeps for the next message.

It is kept as lines of JSON: what is needed for every message, then a line for each request and each response. These are
read only when a handler asks for them, and most never do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from typing_extensions import TypeVar

from wxbus.errors import ConfigurationError
from wxbus.wechat import AnyMessage, parse_message
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.reply import AnyReply, reply_from_json, reply_to_json
from wxbus_worker.context import storage
from wxbus_worker.context.storage import TO_JSON, StorageModel

S = TypeVar("S", default=dict[str, Any])

DEFAULT_EXPIRE_AFTER = timedelta(minutes=90)
DEFAULT_MAX_RECORD_COUNT = 10


@dataclass(frozen=True, slots=True)
class ContextPolicy:
    """How long contexts live and how much of the conversation they keep."""

    expire_after: timedelta = DEFAULT_EXPIRE_AFTER
    """After the last message; a context may have its own, see `Context.expire_after`."""
    max_record_count: int = DEFAULT_MAX_RECORD_COUNT
    """Newest requests kept, and as many responses; 0 or less: all of them."""
    storage: StorageModel | None = None
    """What `Context.storage` is; None: a dict."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError if no context can be like this."""
        if not _is_time(self.expire_after):
            raise ConfigurationError(f"expire_after must be a timedelta of more than zero, not {self.expire_after!r}")
        if not isinstance(self.max_record_count, int):
            raise ConfigurationError(f"max_record_count must be a whole number, not {self.max_record_count!r}")
        storage.check_model(self.storage)


class Context(Generic[S]):
    """One user's conversation with one account. What a handler changes is kept if and when its message is committed.

    `Context` has a dict as `storage`; `Context[CartState]` the model of a `Router(storage=CartState)`.
    """

    __slots__ = (
        "_expire_after",
        "_policy",
        "_requests",
        "_responses",
        "_stored",
        "appid",
        "last_active",
        "openid",
        "state",
        "storage",
    )

    def __init__(self, appid: str, openid: str | None, policy: ContextPolicy, stored: bytes = b"") -> None:
        """`stored` is what `to_bytes` wrote; b"": a new conversation.

        Raises:
            ValueError: The stored storage does not fit the policy's model.
        """
        self.appid = appid
        self.openid = openid
        """None for a system event, which no user sent: such a context is empty, and nothing of it is kept."""
        self._policy = policy
        self._stored = stored
        self.undo()

    def __repr__(self) -> str:
        """Return whose it is and where it stands; nothing of what was said, for it may be logged."""
        return (
            f"{type(self).__name__}(appid={self.appid!r}, openid={self.openid!r}, state={self.state!r}, "
            f"requests={len(self._requests)}, responses={len(self._responses)})"
        )

    def undo(self) -> None:
        """Have it again as it was before its message was handled."""
        head, *records = self._stored.split(b"\n")
        stored = json.loads(head or b"{}")
        self.storage: S = storage.load(self._policy.storage, stored.get("storage"))
        """The handlers' own data about this user: a dict of whatever JSON can hold, or the router's model."""
        last_active = stored.get("last_active")
        self.last_active: datetime | None = None if last_active is None else datetime.fromtimestamp(last_active, UTC)
        """When the message before this one was received; None: there was none."""
        self.state: str = stored.get("state", "")
        """Where the conversation stands, for routes with `state=`; "": nowhere in particular."""
        self._expire_after: float | None = stored.get("expire_after")
        requests = stored.get("requests", 0)
        self._requests, self._responses = records[:requests], records[requests:]

    @property
    def expire_after(self) -> timedelta:
        """How long this context lives after the last message; set it to give this user a time of their own."""
        return self._policy.expire_after if self._expire_after is None else timedelta(seconds=self._expire_after)

    @expire_after.setter
    def expire_after(self, value: timedelta) -> None:
        if not _is_time(value):
            raise ValueError(f"expire_after must be a timedelta of more than zero, not {value!r}")
        self._expire_after = value.total_seconds()

    @property
    def requests(self) -> Sequence[AnyMessage]:
        """Return the user's messages before this one, newest last."""
        return [parse_message(json.loads(request)) for request in self._requests]

    @property
    def responses(self) -> Sequence[AnyReply]:
        """Return our replies to them, newest last."""
        return [reply_from_json(response) for response in self._responses]

    @property
    def last_request(self) -> AnyMessage | None:
        """Return the message before this one."""
        return parse_message(json.loads(self._requests[-1])) if self._requests else None

    @property
    def last_response(self) -> AnyReply | None:
        """Return our last reply."""
        return reply_from_json(self._responses[-1]) if self._responses else None

    def clear(self) -> None:
        """Forget the conversation: storage, state, messages and this user's own expiry."""
        self.storage = storage.load(self._policy.storage, None)
        self.state = ""
        self._requests = []
        self._responses = []
        self._expire_after = None

    def record(self, document: Document, replies: Sequence[AnyReply], *, received_at: float) -> None:
        """Add a message and its replies; `received_at` in seconds since the epoch."""
        self._requests.append(TO_JSON.encode(document).encode())
        self._responses.extend(map(reply_to_json, replies))
        if (most := self._policy.max_record_count) > 0:
            del self._requests[:-most]
            del self._responses[:-most]
        self.last_active = datetime.fromtimestamp(received_at, UTC)

    def to_bytes(self) -> bytes:
        """Return what is kept in the store.

        Raises:
            TypeError: `storage` holds what JSON has no form for, or its model does not allow; the text names where.
        """
        head = {
            "storage": storage.dump(self._policy.storage, self.storage),
            "state": self.state,
            "last_active": None if self.last_active is None else self.last_active.timestamp(),
            "expire_after": self._expire_after,
            "requests": len(self._requests),
        }
        try:
            encoded = TO_JSON.encode(head).encode()
        except (TypeError, ValueError) as exc:
            raise TypeError(f"context.storage{storage.culprit(self.storage)} cannot be kept: {exc}") from exc
        return b"\n".join((encoded, *self._requests, *self._responses))


def _is_time(given: object) -> bool:
    return isinstance(given, timedelta) and given > timedelta()
