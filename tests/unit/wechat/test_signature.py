"""Signatures of callbacks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wechat.vectors import ENVELOPES, SIGNATURES
from wxbus.wechat.crypto.signature import matches, sign


@pytest.mark.parametrize("vector", SIGNATURES)
def test_signs_as_wechat_does(vector: dict[str, Any]) -> None:
    """The signature over token, timestamp and nonce is that of WeChat's own examples."""
    assert sign(vector["token"], vector["timestamp"], vector["nonce"]) == vector["signature"]


@pytest.mark.parametrize("vector", ENVELOPES)
def test_signs_encrypted_messages_as_wechat_does(vector: dict[str, Any]) -> None:
    """The signature of an encrypted message covers its Encrypt text too."""
    assert matches(vector["msg_signature"], vector["token"], vector["timestamp"], vector["nonce"], vector["encrypt"])


@given(st.lists(st.text(max_size=20), min_size=2, max_size=4))
def test_order_of_parts_does_not_matter(parts: list[str]) -> None:
    """Parts are sorted before they are signed, by their UTF-8 bytes."""
    assert sign("token", *parts) == sign("token", *reversed(parts))


@pytest.mark.parametrize("signature", ["", "é" * 40, "\udc80", "F464B24FC39322E44B38AA78F5EDD27BD1441696"])
def test_what_is_no_signature_does_not_match(signature: str) -> None:
    """Whatever stands there (nothing, text outside ASCII, a stray surrogate, capitals) is wrong, not an error."""
    assert not matches(signature, "AAAAA", "1714036504", "1514711492")


@given(st.integers(0, 39), st.sampled_from("0123456789abcdef"))
def test_one_wrong_digit_does_not_match(position: int, digit: str) -> None:
    """Every digit of a signature counts."""
    right = sign("AAAAA", "1", "2")
    wrong = right[:position] + digit + right[position + 1 :]
    assert matches(wrong, "AAAAA", "1", "2") == (wrong == right)
