"""Encodes envelopes as AMQP messages, and decodes them.

`message_id`, `type`, `app_id` and `timestamp` are AMQP properties, the rest are headers. The reply timeout is a header,
too: AMQP's `expiration` would dead-letter the callback itself (decision 0009).
"""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from pamqp.commands import Basic
from pamqp.common import FieldValue
from pamqp.encode import encode_table_value, short_string

from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.ports import Death
from wxbus.bus.received import Received
from wxbus.errors import UnreadableEnvelope

CONTENT_TYPE = "application/json"
PERSISTENT = 2
_PERSISTENT = bytes([PERSISTENT])
TRACEBACK_LIMIT = 16_000
"""Characters, from the end. All headers share a frame of 128 KiB; RabbitMQ closes the connection for a larger one."""
ERROR_LIMIT = 1_000

_ALWAYS = sum(
    Basic.Properties.flags[name]
    for name in ("content_type", "headers", "delivery_mode", "message_id", "timestamp", "message_type", "app_id")
)
_CONTENT_TYPE = short_string(CONTENT_TYPE)
# The headers are sorted by name; "S" is the type of a text, "l" that of a large integer.
_ACCOUNT, _COMMITTED, _DEDUP_ID, _LANE, _OPENID, _PLAIN_SIGNATURE, _TRACEPARENT = (
    short_string(name) + b"S"
    for name in ("account", "committed", "dedup_id", "lane", "openid", "plain_signature", "traceparent")
)
_ATTEMPT, _EXPIRATION_MS, _RECEIVED_AT_MS, _REPLAY = map(
    short_string, ("attempt", "expiration_ms", "received_at_ms", "replay")
)
_FIRST_ATTEMPT = _ATTEMPT + encode_table_value(1)
_LARGE = 2**32
"""Integers from here on are encoded with eight bytes."""

Headers: TypeAlias = Mapping[str, FieldValue]
T = TypeVar("T", str, int, bool)


def encode_properties(envelope: Envelope) -> bytes:
    """Return the AMQP properties of `envelope`, encoded; measured, pamqp's objects cost much more."""
    received_at_ms = round(envelope.received_at * 1000)
    headers = b"".join(
        (
            _text(_ACCOUNT, envelope.account),
            _FIRST_ATTEMPT if envelope.attempt == 1 else _ATTEMPT + encode_table_value(envelope.attempt),
            b"" if envelope.committed is None else _text(_COMMITTED, envelope.committed),
            _text(_DEDUP_ID, envelope.dedup_id),
            b"" if envelope.expiration is None else _EXPIRATION_MS + _integer(envelope.expiration * 1000),
            _text(_LANE, envelope.lane),
            b"" if envelope.openid is None else _text(_OPENID, envelope.openid),
            b"" if envelope.plain_signature is None else _text(_PLAIN_SIGNATURE, envelope.plain_signature),
            _RECEIVED_AT_MS,
            b"l" + received_at_ms.to_bytes(8, "big") if received_at_ms >= _LARGE else _integer(received_at_ms),
            _REPLAY + encode_table_value(True) if envelope.replay else b"",
            _text(_TRACEPARENT, envelope.traceparent),
        )
    )
    flags, correlation_id, reply_to = _ALWAYS, b"", b""
    if envelope.correlation_id:
        flags |= Basic.Properties.flags["correlation_id"]
        correlation_id = short_string(envelope.correlation_id)
    if envelope.reply_to:
        flags |= Basic.Properties.flags["reply_to"]
        reply_to = short_string(envelope.reply_to)
    return b"".join(
        (
            flags.to_bytes(2, "big"),
            _CONTENT_TYPE,
            len(headers).to_bytes(4, "big"),
            headers,
            _PERSISTENT,
            correlation_id,
            reply_to,
            _short(envelope.id),
            int(envelope.received_at).to_bytes(8, "big"),
            _short(envelope.kind),
            _short(envelope.appid),
        )
    )


def to_envelope(message: Received) -> Envelope:
    """Return the envelope in `message`.

    Raises:
        UnreadableEnvelope: A property or header is missing or of another type; the text names it.
    """
    properties = message.fields
    headers: Headers = properties.get("headers") or {}
    expiration_ms = _optional(headers.get("expiration_ms"), int, "expiration_ms")
    return Envelope(
        id=_required(properties.get("message_id"), str, "message_id"),
        kind=_kind(_required(properties.get("message_type"), str, "type")),
        account=_required(headers.get("account"), str, "account"),
        appid=_required(properties.get("app_id"), str, "app_id"),
        openid=_optional(headers.get("openid"), str, "openid"),
        lane=_required(headers.get("lane"), str, "lane"),
        dedup_id=_required(headers.get("dedup_id"), str, "dedup_id"),
        body=message.body,
        received_at=_required(headers.get("received_at_ms"), int, "received_at_ms") / 1000,
        traceparent=_required(headers.get("traceparent"), str, "traceparent"),
        attempt=_required(headers.get("attempt"), int, "attempt"),
        committed=_optional(headers.get("committed"), str, "committed"),
        replay=_optional(headers.get("replay"), bool, "replay") or False,
        plain_signature=_optional(headers.get("plain_signature"), str, "plain_signature"),
        reply_to=properties.get("reply_to"),
        correlation_id=properties.get("correlation_id"),
        expiration=None if expiration_ms is None else expiration_ms / 1000,
    )


def lane_of(message: Received) -> str | None:
    """Return the lane of `message` without decoding the rest; None if it has no lane."""
    lane = (message.fields.get("headers") or {}).get("lane")
    return lane if isinstance(lane, str) and lane else None


def to_dead_properties(message: Received, death: Death) -> Basic.Properties:
    """Return the properties of `message` with the reason of its death, for a dead letter."""
    original = message.properties
    return Basic.Properties(
        message_id=original.message_id,
        message_type=original.message_type,
        app_id=original.app_id,
        timestamp=original.timestamp,
        content_type=original.content_type,
        content_encoding=original.content_encoding,
        delivery_mode=PERSISTENT,
        reply_to=original.reply_to,
        correlation_id=original.correlation_id,
        headers={
            **(original.headers or {}),
            **({} if death.committed is None else {"committed": death.committed}),
            "death_reason": death.reason,
            "death_error": death.error[:ERROR_LIMIT],
            "death_traceback": death.traceback[-TRACEBACK_LIMIT:],
            "death_attempts": death.attempts,
            "died_at_ms": round(death.died_at * 1000),
        },
    )


def _text(name: bytes, value: str) -> bytes:
    """Return a header with its name and type."""
    data = value.encode()
    return name + len(data).to_bytes(4, "big") + data


def _integer(value: float) -> bytes:
    return encode_table_value(round(value))


def _short(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(1, "big") + data


def _kind(name: str) -> EnvelopeKind:
    try:
        return EnvelopeKind(name)
    except ValueError as exc:
        raise UnreadableEnvelope(f"unknown type {name!r}; known types: {', '.join(EnvelopeKind)}") from exc


def _required(value: object, kind: type[T], name: str) -> T:
    if isinstance(value, kind):
        return value
    raise UnreadableEnvelope(f"{name} is {'missing' if value is None else f'not of type {kind.__name__}'}")


def _optional(value: object, kind: type[T], name: str) -> T | None:
    return None if value is None else _required(value, kind, name)
