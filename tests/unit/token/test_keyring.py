"""Sealing values under changing keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbus.errors import ConfigurationError
from wxbus_token.registry.keyring import Keyring, Unsealable, new_encryption_key

KEYS = new_encryption_key("a")
RING = Keyring.parse(KEYS)


@given(value=st.text(), about=st.text(max_size=20))
def test_what_was_sealed_opens(value: str, about: str) -> None:
    """Any value comes back as it was."""
    assert RING.open(RING.seal(value, about=about), about=about) == value


def test_the_same_value_never_looks_the_same() -> None:
    """A reader of Redis cannot even tell whether a token changed."""
    assert RING.seal("token", about="x") != RING.seal("token", about="x")


def test_it_opens_only_for_what_it_was_sealed_for() -> None:
    """One account's token copied into another's record does not open."""
    with pytest.raises(Unsealable):
        RING.open(RING.seal("token", about="access_token:wx1"), about="access_token:wx2")


@given(position=st.integers(min_value=0, max_value=200), bit=st.integers(min_value=0, max_value=7))
def test_no_bit_may_change(position: int, bit: int) -> None:
    """Every changed bit is noticed."""
    sealed = bytearray(RING.seal("token" * 20, about="x"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(Unsealable):
        RING.open(bytes(sealed), about="x")


@pytest.mark.parametrize("sealed", [b"", b"a:", b"a:short", b"\xff:x", b"no key at all"])
def test_rubbish_does_not_open(sealed: bytes) -> None:
    """Whatever is in Redis, the error is ours."""
    with pytest.raises(Unsealable):
        RING.open(sealed, about="x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "encryption key 1"),
        ("a", "encryption key 1"),
        (f"{KEYS},b:c2hvcnQ=", "encryption key 2"),
        (f"{KEYS},b:!!!", "encryption key 2"),
        (f"{KEYS},{KEYS}", "two encryption keys have the id a"),
    ],
    ids=["none", "no key", "too short", "not base64", "one id twice"],
)
def test_wrong_keys_are_named_and_not_shown(text: str, said: str) -> None:
    """The process refuses to start; the message says which key, never what it is."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        Keyring.parse(text)
    assert "c2hvcnQ" not in str(caught.value)


def test_a_new_key_needs_a_name_that_can_be_kept() -> None:
    """A colon or a comma in the name would cut the setting in two."""
    with pytest.raises(ConfigurationError):
        new_encryption_key("a:b")
