"""The findings of checks."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    """WeChat accepts it; the text says what can go wrong."""
    FAILURE = "failure"
    """Messages are lost, or forged ones are accepted."""
    SKIPPED = "skipped"
    """It could not be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check."""

    check: str
    level: Level
    text: str
    ms: float | None = None
    """Of the slowest request of the check."""


def ok(check: str, text: str, ms: float | None = None) -> Finding:
    """Return the finding of a check that found nothing wrong."""
    return Finding(check, Level.OK, text, ms)


def warning(check: str, text: str, ms: float | None = None) -> Finding:
    """Return the finding of something that can go wrong."""
    return Finding(check, Level.WARNING, text, ms)


def failure(check: str, text: str, ms: float | None = None) -> Finding:
    """Return the finding of something wrong."""
    return Finding(check, Level.FAILURE, text, ms)


def skipped(check: str, text: str) -> Finding:
    """Return the finding of a check that was not made."""
    return Finding(check, Level.SKIPPED, text)
