"""How the handling of a delivery ended; `stages.settle` is the only place that acts on it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Done:
    """All of it happened: acknowledge."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not this time: park it and run it again, or bury it when its attempts are used up."""

    error: Exception
    after: float | None = None
    """Seconds that the handler asked for; None: by the retry policy."""


@dataclass(frozen=True, slots=True)
class ToDeadLetters:
    """No attempt can save it: to the dead letters."""

    reason: Literal["reject", "attempts", "unreadable", "poison"]
    error: Exception


@dataclass(frozen=True, slots=True)
class Abandon:
    """Its partition was lost: it belongs to another worker, settle nothing."""


Settlement: TypeAlias = Done | Retry | ToDeadLetters | Abandon
