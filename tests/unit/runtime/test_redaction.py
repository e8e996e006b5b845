"""Quotations of users' texts are redacted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbus.runtime.redaction import PIECE, log_scope, redact_quotes, redacted_traceback


@pytest.mark.parametrize(
    ("words", "text", "shown"),
    [
        pytest.param("my phone is 13800138000", "no user +13800138000!", "no user +***!", id="a piece"),
        pytest.param("2026-01-01\nnow", "cannot read '2026-01-01\\nnow'", "cannot read '***'", id="escaped"),
        pytest.param("你好，世界和平", "KeyError: '\\u4f60\\u597d'", "KeyError: '***'", id="as ASCII"),
        pytest.param(
            "17", "bad number '17' at 117", "bad number '***' at 117", id="a short text between word boundaries"
        ),
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
def test_quotations_are_redacted(words: str, text: str, shown: str) -> None:
    """The whole text or a piece, verbatim or escaped; chance matches stay readable."""
    with log_scope(lambda: [words]):
        assert redact_quotes(text) == shown
    assert redact_quotes(text) == text


@given(
    st.text(min_size=PIECE).filter(lambda words: "*" not in words and not words.isalpha()),
    st.text(),
    st.text(),
)
def test_a_whole_text_is_always_redacted(words: str, before: str, after: str) -> None:
    """At any position, if it is more than one plain word."""
    with log_scope(lambda: [words]):
        assert words not in redact_quotes(before + words + after)


def fail_at_order_4711(words: str) -> None:
    """Raise an error with a cause and a quotation."""
    try:
        raise LookupError("fail_at_order_4711")  # noqa: TRY301 - its line is looked for
    except LookupError as exc:
        raise ValueError(f"cannot fail_at_order_4711, as {words} says") from exc


def test_code_in_a_traceback_is_not_redacted() -> None:
    """Lines of code, files and types stay; the messages of all errors are redacted."""
    words = "fail_at_order_4711 ValueError 你好世界和平"
    with log_scope(lambda: [words]):
        with pytest.raises(ValueError, match="cannot fail_at_order_4711") as caught:
            fail_at_order_4711(words)
        shown = redacted_traceback(caught.value)
    assert ", in fail_at_order_4711" in shown
    assert 'raise LookupError("fail_at_order_4711")' in shown
    assert "\nLookupError: ***\n" in shown
    assert "\nValueError: cannot ***, as *** says\n" in shown


def test_errors_in_groups_are_redacted() -> None:
    """Errors in exception groups are redacted at any depth."""
    with log_scope(lambda: ["13800138000"]):
        shown = redacted_traceback(ExceptionGroup("some failed", [ValueError("no 13800138000")]))
    assert "ValueError: no ***" in shown
    assert "13800138000" not in shown
