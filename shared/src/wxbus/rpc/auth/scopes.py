"""What an API key may do: `service:method:resource`, for example `token:get:wx0123456789abcdef` or `token:get:*`."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

WORD: Final = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
ANY: Final = "*"
PATTERN: Final = r"^(\*|[A-Za-z0-9_.@-]{1,64})(:(\*|[A-Za-z0-9_.@-]{1,64}))*$"
"""Of a scope that a key is given, for the OpenAPI document."""


class Scope(NamedTuple):
    """A scope that a key was given; `*` stands for any one word."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Return the scope, or raise ValueError that says how one looks."""
        words = tuple(text.split(":"))
        if not all(word == ANY or WORD.fullmatch(word) for word in words):
            raise ValueError("is no scope: words of letters, digits, _ . @ - or a single *, joined by colons")
        return cls(words)

    def covers(self, needed: tuple[str | None, ...]) -> bool:
        """Say whether it allows what is needed; None is a word that is not known yet."""
        if len(self.words) != len(needed):
            return False
        for word, need in zip(self.words, needed, strict=True):
            if need is not None and word not in (need, ANY):
                return False
        return True

    def __str__(self) -> str:
        return ":".join(self.words)


@dataclass(frozen=True, slots=True)
class Needed:
    """A scope that a method needs; a word in braces is a field of the request: `token:get:{appid}`."""

    words: tuple[str, ...]
    by_word: tuple[str | None, ...] = field(compare=False)
    """Name of the field that stands for each word, None for a word that stands for itself."""
    _open: tuple[str | None, ...] = field(compare=False, repr=False)
    """Its words, None for those that no request has filled in yet."""

    @classmethod
    def parse(cls, text: str) -> "Needed":
        """Return the template, or raise ValueError that says how one looks."""
        words = tuple(text.split(":"))
        if not all(WORD.fullmatch(word) or PLACEHOLDER.fullmatch(word) for word in words):
            raise ValueError(f"{text!r} is no scope: words or {{field}}, joined by colons")
        matches = [PLACEHOLDER.fullmatch(word) for word in words]
        by_word = tuple(match[1] if match else None for match in matches)
        return cls(words, by_word, tuple(None if match else word for word, match in zip(words, matches, strict=True)))

    @property
    def fields(self) -> frozenset[str]:
        """Fields of the request that it names."""
        return frozenset(name for name in self.by_word if name is not None)

    def words_for(self, request: object | None) -> tuple[str | None, ...]:
        """Return its words with the request's values; without a request yet, None stands for them."""
        if request is None:
            return self._open
        return tuple(
            [
                word if name is None else str(getattr(request, name))
                for word, name in zip(self.words, self.by_word, strict=True)
            ]
        )


@lru_cache(maxsize=4096)
def allowed(granted: tuple[Scope, ...], needed: tuple[str | None, ...]) -> bool:
    """Say whether a scope that was granted covers the needed one."""
    return any(scope.covers(needed) for scope in granted)
