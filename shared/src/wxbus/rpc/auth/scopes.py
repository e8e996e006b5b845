"""Scopes of API keys: `service:method:resource`, for example `token:get:wx0123456789abcdef` or `token:get:*`."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

WORD: Final = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
ANY: Final = "*"
PATTERN: Final = r"^(\*|[A-Za-z0-9_.@-]{1,64})(:(\*|[A-Za-z0-9_.@-]{1,64}))*$"
"""Of a granted scope, for the OpenAPI document."""


class Scope(NamedTuple):
    """A scope granted to a key; `*` matches any one word."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Return the scope, or raise ValueError that describes the format."""
        words = tuple(text.split(":"))
        if not all(word == ANY or WORD.fullmatch(word) for word in words):
            raise ValueError("not a scope: words of letters, digits, _ . @ - or a single *, joined by colons")
        return cls(words)

    def covers(self, required: tuple[str | None, ...]) -> bool:
        """Return whether it grants the required scope; None is a word that is not known yet."""
        return len(self.words) == len(required) and all(
            need is None or word in (need, ANY) for word, need in zip(self.words, required, strict=True)
        )

    def __str__(self) -> str:
        return ":".join(self.words)


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """A scope that a method requires; a word in braces is a field of the request: `token:get:{appid}`."""

    words: tuple[str | None, ...]
    """None for a word in braces."""
    placeholders: tuple[str | None, ...]
    """Field of the request for each word, None for a fixed word."""

    @classmethod
    def parse(cls, text: str) -> "RequiredScope":
        """Return the template, or raise ValueError that describes the format."""
        words = text.split(":")
        if not all(WORD.fullmatch(word) or PLACEHOLDER.fullmatch(word) for word in words):
            raise ValueError(f"{text!r} is not a scope: words or {{field}}, joined by colons")
        fields = tuple(match[1] if (match := PLACEHOLDER.fullmatch(word)) else None for word in words)
        return cls(tuple(None if field else word for word, field in zip(words, fields, strict=True)), fields)

    @property
    def fields(self) -> frozenset[str]:
        """Fields of the request that it names."""
        return frozenset(field for field in self.placeholders if field is not None)

    def resolve(self, request: object | None) -> tuple[str | None, ...]:
        """Return its words with the fields of the request; without a request they are None."""
        if request is None:
            return self.words
        return tuple(
            [
                word if field is None else str(getattr(request, field))
                for word, field in zip(self.words, self.placeholders, strict=True)
            ]
        )

    def __str__(self) -> str:
        return ":".join(word or f"{{{field}}}" for word, field in zip(self.words, self.placeholders, strict=True))


@lru_cache(maxsize=4096)
def allowed(granted: tuple[Scope, ...], required: tuple[str | None, ...]) -> bool:
    """Return whether one of the granted scopes covers the required one."""
    return any(scope.covers(required) for scope in granted)
