"""The frames of a socket, JSON texts, and why it is closed.

From the client:

    {"id": "c1", "name": "cart.add", "body": {...}}     a message; `id` is the client's, unique for the user
    {"ping": 7}                                         answered with {"pong": 7}

To the client:

    {"hello": {"position": "e.17", "missed": false}}    first; `missed`: pushes since the client's position are gone
    {"ack": "c1"}                                       the message is on disk, and will be handled in order
    {"position": "e.18", "name": "...", "body": {...}}  a push
    {"reconnect": {"after": 3.2}}                       the gateway is about to stop: connect again after these seconds
"""

import json
from enum import IntEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from wxbus.config.validation import validation_messages
from wxbus.sockets.pushes import Position

SUBPROTOCOL: Final = "wxbus"
TOKEN_PROTOCOL: Final = "token."  # noqa: S105 - a prefix
"""Before the session token in `Sec-WebSocket-Protocol`, for clients that cannot set headers."""
MAX_FRAME: Final = 64 * 1024
"""Bytes of a frame of the client."""


PING_LIMIT: Final = 2**53
"""Largest number of a ping: larger integers are not exact in JavaScript."""


class CloseCode(IntEnum):
    """Why a socket is closed."""

    TOO_LARGE = 1009
    RESTARTING = 1012
    """Connect again."""
    TRY_LATER = 1013
    """RabbitMQ or Redis is unavailable: connect again, and repeat unacknowledged messages."""
    BAD_FRAME = 4400
    """A frame is not of this protocol; the client must change."""
    SESSION_ENDED = 4401
    """Log in again."""
    TOO_SLOW = 4408
    """The client does not read; it may come back with its last position."""
    TOO_MANY = 4409
    """The user has opened too many sockets; the oldest is closed."""


class ClientMessage(BaseModel):
    """A message of the client."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]
    body: dict[str, JsonValue] = Field(default_factory=dict)


class BadFrame(Exception):
    """A frame is not of this protocol; the text says why."""


def parse(text: str) -> ClientMessage | float:
    """Return the message in a frame, or the number of a ping; raises BadFrame."""
    try:
        frame = from_json(text, allow_inf_nan=False)  # unlike json, it refuses lone surrogates
    except ValueError as exc:
        raise BadFrame("not JSON") from exc
    if isinstance(frame, dict) and frame.keys() == {"ping"}:
        return _ping(frame["ping"])
    try:
        return ClientMessage.model_validate(frame)
    except ValidationError as exc:
        raise BadFrame(validation_messages(exc)) from None


def _ping(number: object) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= PING_LIMIT:
        raise BadFrame(f"ping: must be a number up to {PING_LIMIT}")
    return float(number)


def hello(position: Position, *, missed: bool) -> str:
    """Return the first frame."""
    return _frame(hello={"position": str(position), "missed": missed})


def ack(message_id: str) -> str:
    """Return the acknowledgement of a message."""
    return _frame(ack=message_id)


def pong(number: float) -> str:
    """Return the answer to a ping."""
    return _frame(pong=int(number) if number.is_integer() else number)


def push(position: Position, body: bytes) -> str:
    """Return a push; `body` is a JSON object with name and body."""
    return f'{{"position":"{position}",{body.decode()[1:]}'


def reconnect(after: float) -> str:
    """Return the request to connect again."""
    return _frame(reconnect={"after": round(after, 1)})


def _frame(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
