"""The stages around a handler, and their order."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.settlement import Settlement

Next: TypeAlias = Callable[[Job], Awaitable[Settlement]]


class Stage(Protocol):
    """One step: it may act, calls the next step or not, and says how the delivery is to be settled."""

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Act on `job`; `call_next` runs the rest."""
        ...


def compose(stages: Sequence[Stage], innermost: Next) -> Next:
    """Return `innermost` wrapped so that `stages` run in the order they are listed."""
    call = innermost
    for stage in reversed(stages):
        call = functools.partial(stage, call_next=call)
    return call
