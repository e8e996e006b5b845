"""The interface of a stage, and the nesting of stages."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from wxbus_worker.delivery.settlement import Settlement

P = TypeVar("P")
Next: TypeAlias = Callable[[P], Awaitable[Settlement]]


class Stage(Protocol[P]):
    """One step around the rest of the pipeline; returns how the delivery is to be settled."""

    async def __call__(self, phase: P, /, call_next: Next[P]) -> Settlement:
        """Act on the delivery; `call_next` runs the rest."""
        ...


def compose(stages: Sequence[Stage[P]], innermost: Next[P]) -> Next[P]:
    """Return `innermost` inside `stages`, the first of them outermost."""
    call = innermost
    for stage in reversed(stages):
        call = functools.partial(stage, call_next=call)
    return call
