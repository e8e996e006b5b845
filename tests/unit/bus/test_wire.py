"""Envelopes as AMQP messages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame
from pamqp.header import ContentHeader

from tests.support.envelopes import an_envelope
from wxbus.bus import wire
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.ports import Death
from wxbus.bus.received import Received
from wxbus.errors import UnreadableEnvelope


def over_the_wire(properties: commands.Basic.Properties, body: bytes) -> Received:
    """Return the message after encoding and decoding by pamqp."""
    _, _, header = frame.unmarshal(frame.marshal(ContentHeader(body_size=len(body), properties=properties), 1))
    assert isinstance(header, ContentHeader)
    return Received.of(header.properties, body)


def reference_properties(envelope: Envelope) -> commands.Basic.Properties:
    """Return the properties of `envelope` as objects of pamqp."""
    headers: dict[str, Any] = {
        "account": envelope.account,
        "lane": envelope.lane,
        "dedup_id": envelope.dedup_id,
        "received_at_ms": round(envelope.received_at * 1000),
        "traceparent": envelope.traceparent,
        "attempt": envelope.attempt,
    }
    if envelope.committed is not None:
        headers["committed"] = envelope.committed
    if envelope.openid is not None:
        headers["openid"] = envelope.openid
    if envelope.plain_signature is not None:
        headers["plain_signature"] = envelope.plain_signature
    if envelope.replay:
        headers["replay"] = True
    if envelope.expiration is not None:
        headers["expiration_ms"] = round(envelope.expiration * 1000)
    return commands.Basic.Properties(
        message_id=envelope.id,
        message_type=envelope.kind,
        app_id=envelope.appid,
        timestamp=datetime.fromtimestamp(envelope.received_at, UTC),
        content_type=wire.CONTENT_TYPE,
        delivery_mode=wire.PERSISTENT,
        reply_to=envelope.reply_to,
        correlation_id=envelope.correlation_id,
        headers=headers,
    )


short = st.text(min_size=1, max_size=60).filter(lambda text: len(text.encode()) < 250)
milliseconds = st.integers(0, 2**41).map(lambda value: value / 1000)
envelopes = st.builds(
    Envelope,
    id=short,
    kind=st.sampled_from(EnvelopeKind),
    account=st.text(max_size=64),
    appid=short,
    openid=st.none() | st.text(max_size=64),
    lane=st.text(min_size=1, max_size=200),
    dedup_id=st.text(max_size=500),
    body=st.binary(max_size=1000),
    received_at=milliseconds,
    traceparent=st.text(max_size=55),
    attempt=st.integers(1, 10_000),
    replay=st.booleans(),
    committed=st.none() | short,
    plain_signature=st.none() | short,
    reply_to=st.none() | short,
    correlation_id=st.none() | short,
    expiration=st.none() | milliseconds,
)


@given(envelopes)
def test_an_envelope_survives_the_wire(envelope: Envelope) -> None:
    """Encoding and decoding an envelope gives the same envelope."""
    message = over_the_wire(reference_properties(envelope), envelope.body)

    assert envelope == wire.to_envelope(message)
    assert envelope.lane == wire.lane_of(message)


@given(envelopes)
def test_encoded_properties_equal_those_of_pamqp(envelope: Envelope) -> None:
    """The bytes are the same as those of pamqp's objects."""
    assert reference_properties(envelope).marshal() == wire.encode_properties(envelope)


def test_the_properties_are_documented_ones() -> None:
    """Other programs read AMQP's own properties; the message is persistent."""
    properties = reference_properties(an_envelope(1, kind=EnvelopeKind.DELIVERED_PASSIVELY, expiration=4.5))

    assert (
        properties.message_type,
        properties.app_id,
        properties.content_type,
        properties.delivery_mode,
    ) == ("delivered_passively", "wx1", "application/json", 2)
    assert properties.expiration is None, "AMQP's expiration would dead-letter the callback itself"


@pytest.mark.parametrize("name", ["account", "lane", "dedup_id", "received_at_ms", "traceparent", "attempt"])
@pytest.mark.parametrize("wrong", [None, {"a": 1}])
def test_a_wrong_header_is_named(name: str, wrong: Any) -> None:
    """A missing header, or one of another type, raises UnreadableEnvelope with its name."""
    properties = reference_properties(an_envelope(1))
    assert properties.headers
    properties.headers[name] = wrong

    with pytest.raises(UnreadableEnvelope, match=name):
        wire.to_envelope(over_the_wire(properties, b"{}"))


@pytest.mark.parametrize(
    "properties",
    [
        commands.Basic.Properties(),
        commands.Basic.Properties(message_type="letter", message_id="1", app_id="a", headers={}),
        commands.Basic.Properties(message_type="callback", app_id="a"),
        commands.Basic.Properties(message_type="callback", message_id="1"),
    ],
)
def test_a_message_of_another_program_is_unreadable(properties: commands.Basic.Properties) -> None:
    """A message without a lane is unreadable."""
    message = over_the_wire(properties, b"")

    assert wire.lane_of(message) is None
    with pytest.raises(UnreadableEnvelope):
        wire.to_envelope(message)


def test_a_dead_letter_fits_into_its_frame() -> None:
    """With the longest error and traceback the headers stay below the frame limit of 128 KiB."""
    message = over_the_wire(reference_properties(an_envelope(1)), b"{}")
    death = Death(reason="attempts", error="错" * 10**6, traceback="错" * 10**6, attempts=9, died_at=1.5)

    properties = wire.to_dead_properties(message, death)

    assert len(frame.marshal(ContentHeader(body_size=2, properties=properties), 1)) < 100_000
    assert properties.headers
    assert {**properties.headers, "death_reason": "attempts", "lane": "wx1:o_1"} == properties.headers
