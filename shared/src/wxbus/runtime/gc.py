"""Python's search for cycles, done less often: what a message leaves is hardly ever one.

With Python's own threshold it is done every few messages, and now and then through all that was imported, which takes
long enough for an answer to be late.
"""

import gc
from typing import Final

OBJECTS: Final = 20_000
"""Made and not dropped between two searches; Python's own number is 700, with which they cost a tenth of all time."""


def tune_gc() -> None:
    """Leave alone what is there by now, and search the rest less often: once, when a service is ready to serve."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)
