"""Stores on a Redis that the test does not hurt: the time-outs are for a busy machine, not for a fault."""

from contextlib import AbstractAsyncContextManager

from wxbus.store.store import Store

REDIS_TIMEOUT = 10.0
"""Seconds for a connection or an answer."""


def open_store(url: str, *, name: str = "test") -> AbstractAsyncContextManager[Store]:
    """Return a store that waits for a Redis on a busy machine; `Store.open` for a Redis that fails."""
    return Store.open(url, name=name, answer_timeout=REDIS_TIMEOUT)
