"""How the handling of a delivery ends; the stage `settle` acts on it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Done:
    """The delivery is handled: acknowledge it."""

    outcome: ClassVar = "done"


@dataclass(frozen=True, slots=True)
class Retry:
    """The attempt failed: schedule another one, or dead-letter the message if it was the last."""

    outcome: ClassVar = "retried"
    error: Exception
    after: timedelta | None = None
    """Delay that the handler asked for; None: by the retry policy."""


@dataclass(frozen=True, slots=True)
class ToDeadLetters:
    """No attempt can succeed: publish the message to the dead letters."""

    outcome: ClassVar = "dead_lettered"
    reason: Literal["reject", "attempts", "unreadable", "poison", "undelivered"]
    error: Exception


@dataclass(frozen=True, slots=True)
class Abandon:
    """The partition is lost: do not settle the delivery, another worker receives it."""

    outcome: ClassVar = "abandoned"


Settlement: TypeAlias = Done | Retry | ToDeadLetters | Abandon
