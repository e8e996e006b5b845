"""What a user wrote is not quoted in what we write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbus.runtime.redaction import PIECE, redact_quotes, redacted_traceback, redacting


@pytest.mark.parametrize(
    ("words", "text", "shown"),
    [
        pytest.param("my phone is 13800138000", "no user +13800138000!", "no user +***!", id="a piece"),
        pytest.param("2026-01-01\nnow", "cannot read '2026-01-01\\nnow'", "cannot read '***'", id="escaped"),
        pytest.param("你好，世界和平", "KeyError: '\\u4f60\\u597d'", "KeyError: '***'", id="as ASCII"),
        pytest.param("17", "bad number '17' at 117", "bad number '***' at 117", id="a short one stands alone"),
        pytest.param("hello there", "no such key: hell", "no such key: hell", id="less than a piece"),
        pytest.param("13", "3 of 13 runs", "3 of 13 runs", id="a short number by chance"),
        pytest.param("4711", "the PIN 4711 is wrong", "the PIN *** is wrong", id="a number"),
        pytest.param("handler", "ValueError of the handler", "ValueError of the handler", id="a word by chance"),
        pytest.param("handler", "no such key: 'handler'", "no such key: '***'", id="a word in quotation marks"),
        pytest.param("block", "bot.blocking.block failed", "bot.blocking.block failed", id="a name by chance"),
        pytest.param(
            "in the middle of the handler", "the limit of the handler", "the limit of the handler", id="words by chance"
        ),
        pytest.param("order 17 please", "there is no order 18", "there is no order 18", id="words and a digit"),
        pytest.param("John Smith", "nobody is John Smith", "nobody is ***", id="the whole of several words"),
        pytest.param(
            "please tell my wife that I am late", "no:tell my wife that I am", "no:***", id="many plain words"
        ),
        pytest.param("write to a@b.cn now", "no user a@b.cn.", "no user***.", id="an address"),
        pytest.param("", "KeyError: ''", "KeyError: ''", id="nothing"),
    ],
)
def test_quotations_are_blanked(words: str, text: str, shown: str) -> None:
    """Whole or a piece of it, plain or escaped; words that match by chance stay readable."""
    with redacting(lambda: [words]):
        assert redact_quotes(text) == shown
    assert redact_quotes(text) == text


@given(
    st.text(min_size=PIECE).filter(lambda words: "*" not in words and not words.isalpha()),
    st.text(),
    st.text(),
)
def test_no_whole_text_gets_through(words: str, before: str, after: str) -> None:
    """Wherever it stands, whatever stands around it, if it is more than one plain word."""
    with redacting(lambda: [words]):
        assert words not in redact_quotes(before + words + after)


def fail_at_order_4711(words: str) -> None:
    """Fail twice, the second time with a quotation."""
    try:
        raise LookupError("fail_at_order_4711")  # noqa: TRY301 - its line is looked for
    except LookupError as exc:
        raise ValueError(f"cannot fail_at_order_4711, as {words} says") from exc


def test_code_in_a_traceback_is_kept() -> None:
    """Whatever the user wrote: lines of code, places and types are ours; the texts of all errors are discreet."""
    words = "fail_at_order_4711 ValueError 你好世界和平"
    with redacting(lambda: [words]):
        try:
            fail_at_order_4711(words)
        except ValueError as exc:
            shown = redacted_traceback(exc)
    assert ", in fail_at_order_4711" in shown
    assert 'raise LookupError("fail_at_order_4711")' in shown
    assert "\nLookupError: ***\n" in shown
    assert "\nValueError: cannot ***, as *** says\n" in shown


def test_an_error_in_a_group_is_discreet() -> None:
    """As deep as it may be."""
    with redacting(lambda: ["13800138000"]):
        shown = redacted_traceback(ExceptionGroup("some failed", [ValueError("no 13800138000")]))
    assert "ValueError: no ***" in shown
    assert "13800138000" not in shown
