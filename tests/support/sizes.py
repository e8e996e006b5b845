"""Sizes of soak tests: small in `make test`, whole in `make test-full`."""

import os
from typing import Final, TypeVar

T = TypeVar("T")

FULL: Final = os.environ.get("TEST_FULL", "") not in {"", "0"}
"""Set by `make test-full`."""


def soak(full: T, quick: T) -> T:
    """Return the size for this session: `quick` must still prove the rule, `full` looks for rare faults."""
    return full if FULL else quick
