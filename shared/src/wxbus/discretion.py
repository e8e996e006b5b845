"""A user's words stay out of logs and dead-letter headers, also where an error quotes them.

Python quotes what it cannot read ("invalid literal for int(): '...'"), and so do libraries. Whoever handles a message
says what it holds (`withholding`); `wxbus.logs` blanks that out of whatever is written meanwhile.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Final

BLANK: Final = "***"
PIECE: Final = 6
"""A quotation of so many characters of a longer text is blanked out; shorter texts only where they stand alone."""


class Words:
    """Texts that must not be quoted."""

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        """`texts` is asked only if something is written, which for most messages is never."""
        self._texts = texts

    def blank(self, text: str) -> str:
        """Return `text` without quotations of the words, as they are or with escapes."""
        for word in self._short:
            text = word.sub(BLANK, text)
        if not self._pieces or len(text) < PIECE:
            return text
        parts, kept, position = [], 0, 0
        while position <= len(text) - PIECE:
            if text[position : position + PIECE] not in self._pieces:
                position += 1
                continue
            parts.append(text[kept:position])
            while text[position : position + PIECE] in self._pieces:
                position += 1
            kept = position = position + PIECE - 1
        return BLANK.join([*parts, text[kept:]])

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(form for text in self._texts() for form in (text, repr(text)[1:-1], ascii(text)[1:-1]))

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(form[at : at + PIECE] for form in self._forms for at in range(len(form) - PIECE + 1))

    @cached_property
    def _short(self) -> list[re.Pattern[str]]:
        return [re.compile(rf"(?<!\w){re.escape(form)}(?!\w)") for form in self._forms if 0 < len(form) < PIECE]


_WITHHELD: ContextVar[Words | None] = ContextVar("wxbus_withheld", default=None)


@contextmanager
def withholding(texts: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Let nothing that is logged while the block runs quote these texts."""
    token = _WITHHELD.set(Words(texts))
    try:
        yield
    finally:
        _WITHHELD.reset(token)


def discreet(text: str) -> str:
    """Return `text` without what is being withheld."""
    words = _WITHHELD.get()
    return text if words is None else words.blank(text)
