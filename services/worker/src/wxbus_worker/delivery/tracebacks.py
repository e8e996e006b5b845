"""Cuts tracebacks so that they start with the handler's code, without the stages above it."""

from collections.abc import Iterator
from types import TracebackType
from typing import Final

OURS: Final = "wxbus_worker."
STAGES: Final = f"{OURS}delivery.stages."
CALLER: Final = f"{STAGES}call_handler"


def below_stages(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part below the call of a handler, or the whole traceback if the handler did not raise the error."""
    entries = list(_entries(traceback))
    stages = [index for index, entry in enumerate(entries) if _module(entry).startswith(STAGES)]
    if not stages or _module(entries[stages[-1]]) != CALLER:
        return traceback
    below = entries[stages[-1] + 1 :]
    return next((entry for entry in below if not _module(entry).startswith(OURS)), traceback)


def is_explained(error: BaseException) -> bool:
    """Whether the text alone explains the error: wxbus raised it, and not because of another error."""
    entries = list(_entries(error.__traceback__))
    known = error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)
    return known and (not entries or _module(entries[-1]).startswith(OURS))


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _module(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", ""))
