"""Properties are decoded as pamqp decodes them."""

import string
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.commands import Basic

from wxbus.bus.properties import decode_properties

texts = st.text(max_size=40)
plain = st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1))
rare = st.one_of(st.none(), st.floats(allow_nan=False, width=32), st.lists(texts, max_size=3))
names = st.text(string.ascii_letters + "-_", min_size=1, max_size=20)
shorts = st.one_of(st.none(), st.text(string.printable, min_size=1, max_size=30))


@settings(max_examples=60, deadline=None)
@given(
    headers=st.one_of(
        st.none(),
        st.dictionaries(names, plain, max_size=8),
        st.dictionaries(names, st.one_of(plain, rare, st.dictionaries(names, plain, max_size=2)), max_size=4),
    ),
    short=st.tuples(*[shorts] * 7),
    mode=st.sampled_from((None, 1, 2)),
    priority=st.sampled_from((None, 3)),
    timestamp=st.sampled_from((None, datetime(2026, 11, 29, tzinfo=UTC))),
)
def test_properties_are_decoded_as_by_pamqp(
    headers: dict[str, Any] | None,
    short: tuple[str | None, ...],
    mode: int | None,
    priority: int | None,
    timestamp: datetime | None,
) -> None:
    """Whatever is present, with headers of any type."""
    present = ("content_type", "correlation_id", "reply_to", "message_id", "message_type", "app_id", "user_id")
    texts_present: dict[str, Any] = dict(zip(present, short, strict=True))
    properties = Basic.Properties(
        headers=headers,
        delivery_mode=mode,
        priority=priority,
        timestamp=timestamp,
        **texts_present,
    )
    encoded = properties.marshal()
    found = dict(decode_properties(encoded))
    found.pop("timestamp", None)

    again = Basic.Properties()
    again.unmarshal(int.from_bytes(encoded[:2], "big"), encoded[2:])
    expected = {name: value for name in again.__slots__ if (value := getattr(again, name)) is not None and value != ""}
    expected.pop("timestamp", None)
    assert found == expected
