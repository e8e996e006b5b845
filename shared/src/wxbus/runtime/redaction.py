"""Keeps users' texts out of logs and dead-letter headers, also where an error message quotes them.

Python and libraries quote what they cannot parse ("invalid literal for int(): '...'"). The code that handles a message
names its texts (`log_scope`); `wxbus.runtime.logs` replaces quotations of them in everything that is logged meanwhile.

A log line may share words with a message by chance and must stay readable. So a match counts as a quotation only if it
is in quotation marks, is long, is a whole text of several words, or has more than plain words: a number, an id, an
address, Chinese.
"""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar, Token
from functools import cached_property, partial
from typing import Any, Final

BLANK: Final = "***"
PIECE: Final = 6
"""Minimum length of a match in a longer text; shorter texts match as a whole, between word boundaries."""
LONG: Final = 20
"""Length from which on a match of plain words is a quotation."""
IDENTIFYING: Final = re.compile(r"(?=\S{4})\S*[^\sA-Za-z,.:;!?'\"()_-]\S*")
"""Four characters or more without a space that are more than a plain word."""
QUOTES: Final = "'\"`‘’“”「」"


class QuotedTexts:
    """Texts whose quotations are removed."""

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        """`texts` is called when something is logged, which for most messages is never."""
        self._texts = texts

    def redact(self, text: str) -> str:
        """Return `text` without quotations of the texts, verbatim or escaped."""
        for pattern in self._short:
            text = pattern.sub(partial(_redact_match, text), text)
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
        return end - start >= LONG or several_words or _is_identifying(match) or _is_quoted(text, start, end)

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(form for text in self._texts() for form in (text, repr(text)[1:-1], ascii(text)[1:-1]))

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(form[at : at + PIECE] for form in self._forms for at in range(len(form) - PIECE + 1))

    @cached_property
    def _short(self) -> list[re.Pattern[str]]:
        return [re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") for form in self._forms if 0 < len(form) < PIECE]


def _redact_match(text: str, match: re.Match[str]) -> str:
    quotation = _is_identifying(match[0]) or _is_quoted(text, match.start(), match.end())
    return BLANK if quotation else match[0]


def _is_identifying(match: str) -> bool:
    return IDENTIFYING.search(match) is not None


def _is_quoted(text: str, start: int, end: int) -> bool:
    return start > 0 and end < len(text) and text[start - 1] in QUOTES and text[end] in QUOTES


class LogScope:
    """A block in which log lines have some fields, and no quotations of some texts."""

    __slots__ = ("_quoted", "_texts", "_token", "fields")

    _token: "Token[LogScope | None]"

    def __init__(self, texts: Callable[[], Iterable[str]], fields: Callable[[], Mapping[str, str]]) -> None:
        self._texts = texts
        self._quoted: QuotedTexts | None = None
        self.fields = fields

    @property
    def quoted(self) -> QuotedTexts:
        """Return the texts, prepared for searches."""
        if self._quoted is None:
            self._quoted = QuotedTexts(self._texts)
        return self._quoted

    def __enter__(self) -> None:
        self._token = _SCOPE.set(self)

    def __exit__(self, *_: object) -> None:
        _SCOPE.reset(self._token)


_SCOPE: ContextVar[LogScope | None] = ContextVar("wxbus_log_scope", default=None)


def log_scope(texts: Callable[[], Iterable[str]], fields: Callable[[], Mapping[str, str]] = dict) -> LogScope:
    """Redact quotations of these texts in everything that is logged while the block runs, and add these fields.

    Both are called when something is logged, which for most messages is never.
    """
    return LogScope(texts, fields)


def scope_fields() -> Mapping[str, str]:
    """Return the fields of the current scope."""
    scope = _SCOPE.get()
    return {} if scope is None else scope.fields()


def redact_quotes(text: str) -> str:
    """Return `text` without quotations of the current message."""
    scope = _SCOPE.get()
    return text if scope is None else scope.quoted.redact(text)


def redacted_traceback(error: BaseException) -> str:
    """Return the traceback of an error with its code unchanged and its messages redacted."""
    formatted = traceback.TracebackException.from_exception(error)
    _redact(formatted, error)
    return "".join(formatted.format())


def _redact(formatted: traceback.TracebackException, error: BaseException) -> None:
    original: Callable[..., Iterator[str]] = formatted.format_exception_only
    name = type(error).__qualname__

    def format_exception_only(*args: Any, **options: Any) -> Iterator[str]:
        for line in original(*args, **options):
            kind, colon, text = line.partition(": ")
            # The type of an error is code, too.
            is_type = colon and f".{kind}".endswith(f".{name}")
            yield f"{kind}: {redact_quotes(text)}" if is_type else redact_quotes(line)

    # Not a subclass: the standard library creates the chained errors as objects of the base class.
    vars(formatted)["format_exception_only"] = format_exception_only
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    pairs = [(formatted.__cause__, error.__cause__), (formatted.__context__, error.__context__)]
    for below, cause in (*pairs, *zip(formatted.exceptions or (), inner, strict=False)):
        if below is not None and cause is not None:
            _redact(below, cause)
