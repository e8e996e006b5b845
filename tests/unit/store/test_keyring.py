"""Encryption of values with keys that are rotated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbus.errors import ConfigurationError
from wxbus.store.keyring import DecryptionError, Keyring, new_encryption_key

KEYS = new_encryption_key("a")
RING = Keyring.parse(KEYS)


@given(value=st.text(), context=st.text(max_size=20))
def test_a_value_is_decrypted_as_it_was_encrypted(value: str, context: str) -> None:
    """Encryption and decryption return any value unchanged."""
    assert RING.decrypt(RING.encrypt(value, context=context), context=context) == value


def test_encryption_is_randomised() -> None:
    """A reader of Redis cannot see whether a token has changed."""
    assert RING.encrypt("token", context="x") != RING.encrypt("token", context="x")


def test_decryption_needs_the_context() -> None:
    """One account's token that is copied into another account's record does not decrypt."""
    with pytest.raises(DecryptionError):
        RING.decrypt(RING.encrypt("token", context="access_token:wx1"), context="access_token:wx2")


@given(position=st.integers(min_value=0, max_value=200), bit=st.integers(min_value=0, max_value=7))
def test_a_changed_bit_is_detected(position: int, bit: int) -> None:
    """A value with any bit changed does not decrypt."""
    encrypted = bytearray(RING.encrypt("token" * 20, context="x"))
    encrypted[position % len(encrypted)] ^= 1 << bit
    with pytest.raises(DecryptionError):
        RING.decrypt(bytes(encrypted), context="x")


@pytest.mark.parametrize("encrypted", [b"", b"a:", b"a:short", b"\xff:x", b"no key at all"])
def test_malformed_values_raise_our_error(encrypted: bytes) -> None:
    """Any bytes in Redis decrypt or raise DecryptionError."""
    with pytest.raises(DecryptionError):
        RING.decrypt(encrypted, context="x")


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
    """The error names the position of a wrong key, never the key."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        Keyring.parse(text)
    assert "c2hvcnQ" not in str(caught.value)


def test_the_id_of_a_new_key_is_checked() -> None:
    """The id must not have a colon or a comma, which separate ids, keys and entries."""
    with pytest.raises(ConfigurationError):
        new_encryption_key("a:b")
