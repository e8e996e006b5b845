"""The contexts of all users, as code outside of their handlers sees them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wxbus_worker.context.context import Context


@dataclass(frozen=True, slots=True)
class StoredContext:
    """A context that exists."""

    appid: str
    openid: str
    expires_at: datetime
    """When it is removed, unless a message comes first."""


class Contexts(Protocol):
    """The contexts of all users. Handlers take it by type; other programs open it with `open_contexts`.

    The contexts are copies, whose changes are not stored: only the handler of a user's message changes that user's
    context.

    Raises:
        StoreUnavailable: Redis does not answer; the call may have had its effect.
    """

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context; if there is none, return None, or with `create` a new context."""
        ...

    def list(self, appid: str = "") -> AsyncIterator[StoredContext]:
        """Yield the existing contexts, of one account or of all, in no order.

        A context that is created or removed meanwhile may be missing; one that is used meanwhile may be yielded twice.
        """
        ...

    async def drop(self, appid: str, openid: str) -> bool:
        """Drop a user's context without calling `context_removed` handlers; return whether there was one.

        A handler that runs meanwhile runs again, with a new context. Dedup keys and replies to send stay.
        """
        ...

    async def drop_all(self) -> int:
        """Drop the contexts of all users, as `drop` does, and return their number."""
        ...
