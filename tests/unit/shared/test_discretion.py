"""What a user wrote is not quoted in what we write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbus.discretion import PIECE, discreet, withholding


@pytest.mark.parametrize(
    ("words", "text", "shown"),
    [
        pytest.param("my phone is 13800138000", "no user +13800138000!", "no user +***!", id="a piece"),
        pytest.param("2026-01-01\nnow", "cannot read '2026-01-01\\nnow'", "cannot read '***'", id="escaped"),
        pytest.param("你好，世界和平", "KeyError: '\\u4f60\\u597d'", "KeyError: '***'", id="as ASCII"),
        pytest.param("17", "bad number '17' at 117", "bad number '***' at 117", id="a short one stands alone"),
        pytest.param("hello there", "no such key: hell", "no such key: hell", id="less than a piece"),
        pytest.param("", "KeyError: ''", "KeyError: ''", id="nothing"),
    ],
)
def test_quotations_are_blanked(words: str, text: str, shown: str) -> None:
    """Whole or a piece of it, plain or escaped; what is no quotation stays readable."""
    with withholding(lambda: [words]):
        assert discreet(text) == shown
    assert discreet(text) == text


@given(st.text(min_size=PIECE).filter(lambda words: "*" not in words), st.text(), st.text())
def test_no_whole_text_gets_through(words: str, before: str, after: str) -> None:
    """Wherever it stands, whatever stands around it."""
    with withholding(lambda: [words]):
        assert words not in discreet(before + words + after)
