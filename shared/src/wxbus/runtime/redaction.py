"""A user's words stay out of logs and dead-letter headers, also where an error quotes them.

Python quotes what it cannot read ("invalid literal for int(): '...'"), and so do libraries. Whoever handles a message
says what it holds (`redacting`); `wxbus.runtime.logs` replaces quotations of it in whatever is written meanwhile.

A text of our own may share words with a message by chance. It has to stay readable, so a match counts as a quotation
only if it stands in quotation marks, is long, is the whole of several words, or holds more than plain words: a number,
an id, an address, Chinese.
"""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, partial
from typing import Any, Final

BLANK: Final = "***"
PIECE: Final = 6
"""Characters of a longer text that a match has at least; shorter texts match as a whole, where they stand alone."""
LONG: Final = 20
"""Characters from which on a match of plain words is no chance."""
TELLING: Final = re.compile(r"(?=\S{4})\S*[^\sA-Za-z,.:;!?'\"()_-]\S*")
"""Four characters or more without a space that are more than a plain word."""
QUOTES: Final = "'\"`‘’“”「」"


class QuotedTexts:
    """Texts that must not be quoted."""

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        """`texts` is asked only if something is written, which for most messages is never."""
        self._texts = texts

    def blank(self, text: str) -> str:
        """Return `text` without quotations of the words, as they are or with escapes."""
        for word in self._short:
            text = word.sub(partial(_replaced, text), text)
        if not self._pieces or len(text) < PIECE:
            return text
        parts, kept, position = [], 0, 0
        while position <= len(text) - PIECE:
            if text[position : position + PIECE] not in self._pieces:
                position += 1
                continue
            start = position
            while text[position : position + PIECE] in self._pieces:
                position += 1
            position += PIECE - 1
            if self._is_quotation(text, start, position):
                parts.append(text[kept:start])
                kept = position
        return BLANK.join([*parts, text[kept:]])

    def _is_quotation(self, text: str, start: int, end: int) -> bool:
        match = text[start:end]
        several_words = match in self._forms and not match.isalpha()
        return end - start >= LONG or several_words or _is_telling(match) or _is_quoted(text, start, end)

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(form for text in self._texts() for form in (text, repr(text)[1:-1], ascii(text)[1:-1]))

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(form[at : at + PIECE] for form in self._forms for at in range(len(form) - PIECE + 1))

    @cached_property
    def _short(self) -> list[re.Pattern[str]]:
        return [re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") for form in self._forms if 0 < len(form) < PIECE]


def _replaced(text: str, match: re.Match[str]) -> str:
    quotation = _is_telling(match[0]) or _is_quoted(text, match.start(), match.end())
    return BLANK if quotation else match[0]


def _is_telling(match: str) -> bool:
    return TELLING.search(match) is not None


def _is_quoted(text: str, start: int, end: int) -> bool:
    return start > 0 and end < len(text) and text[start - 1] in QUOTES and text[end] in QUOTES


_WITHHELD: ContextVar[QuotedTexts | None] = ContextVar("wxbus_withheld", default=None)


@contextmanager
def redacting(texts: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Let nothing that is logged while the block runs quote these texts."""
    token = _WITHHELD.set(QuotedTexts(texts))
    try:
        yield
    finally:
        _WITHHELD.reset(token)


def redact_quotes(text: str) -> str:
    """Return `text` without what is being withheld."""
    words = _WITHHELD.get()
    return text if words is None else words.blank(text)


def redacted_traceback(error: BaseException) -> str:
    """Return the traceback of an error: code as it is, the texts of the errors without what is being withheld."""
    formatted = traceback.TracebackException.from_exception(error)
    _make_discreet(formatted, error)
    return "".join(formatted.format())


def _make_discreet(formatted: traceback.TracebackException, error: BaseException) -> None:
    plain: Callable[..., Iterator[str]] = formatted.format_exception_only
    name = type(error).__qualname__

    def format_exception_only(*args: Any, **options: Any) -> Iterator[str]:
        for line in plain(*args, **options):
            kind, colon, text = line.partition(": ")
            # The type of an error is code, too.
            yield f"{kind}: {redact_quotes(text)}" if colon and f".{kind}".endswith(f".{name}") else redact_quotes(line)

    # No subclass: the standard library makes the errors behind this one as objects of the base class.
    vars(formatted)["format_exception_only"] = format_exception_only
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    pairs = [(formatted.__cause__, error.__cause__), (formatted.__context__, error.__context__)]
    for shown, there in (*pairs, *zip(formatted.exceptions or (), inner, strict=False)):
        if shown is not None and there is not None:
            _make_discreet(shown, there)
