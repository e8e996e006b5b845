"""Signatures of callbacks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wechat.vectors import ENVELOPES, SIGNATURES
from wxbus.wechat.crypto.signature import matches, sign


@pytest.mark.parametrize("vector", SIGNATURES)
def test_signs_the_vectors(vector: dict[str, Any]) -> None:
    """The signature of token, timestamp and nonce equals WeChat's examples."""
    assert sign(vector["token"], vector["timestamp"], vector["nonce"]) == vector["signature"]


@pytest.mark.parametrize("vector", ENVELOPES)
def test_signs_encrypted_messages(vector: dict[str, Any]) -> None:
    """The signature of an encrypted message includes its Encrypt text."""
    assert matches(vector["msg_signature"], vector["token"], vector["timestamp"], vector["nonce"], vector["encrypt"])


@given(st.lists(st.text(max_size=20), min_size=2, max_size=4))
def test_order_of_parts_does_not_matter(parts: list[str]) -> None:
    """Parts are sorted by their UTF-8 bytes before signing."""
    assert sign("token", *parts) == sign("token", *reversed(parts))


@pytest.mark.parametrize("signature", ["", "é" * 40, "\udc80", "F464B24FC39322E44B38AA78F5EDD27BD1441696"])
def test_an_invalid_signature_does_not_match(signature: str) -> None:
    """An empty or non-ASCII signature, a lone surrogate and upper case do not match and do not raise."""
    assert not matches(signature, "AAAAA", "1714036504", "1514711492")


@given(st.integers(0, 39), st.sampled_from("0123456789abcdef"))
def test_one_wrong_digit_does_not_match(position: int, digit: str) -> None:
    """Every digit of a signature is compared."""
    right = sign("AAAAA", "1", "2")
    wrong = right[:position] + digit + right[position + 1 :]
    assert matches(wrong, "AAAAA", "1", "2") == (wrong == right)
