"""The workers that consume, each with a lease in Redis, on Redis's clock (RabbitMQ and Redis reference 4).

Membership affects balance only. RabbitMQ decides who consumes, the context store who commits.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wxbus.store.store import Script, Store

LEASE: Final = 3.0
"""Seconds from the last renewal for which a member is present."""
REPORT_LAPSED: Final = 60.0
"""Seconds for which a lapsed member is listed, so that another member closes its connection."""


@dataclass(frozen=True, slots=True)
class MembershipView:
    """The members as one of them sees them."""

    present: frozenset[str] = frozenset()
    lapsed: frozenset[str] = frozenset()
    """Members that did not renew their lease and did not leave: crashed, frozen or disconnected."""
    next_expiry: float = field(default=LEASE, compare=False)
    """Seconds until the next lease expires, unless it is renewed."""


class Membership:
    """The lease of one member."""

    def __init__(
        self,
        store: Store,
        *,
        namespace: str,
        member: str,
        clock: Callable[[], float] = time.monotonic,
        lease: float = LEASE,
    ) -> None:
        """`member` is a unique name, never used before; `clock` must advance while the process is frozen."""
        self.member = member
        self._store = store
        self._key = f"{namespace}:members"
        self._clock = clock
        self._lease = lease
        self._script = Script.of("wxbus_worker.store.lua", "renew_membership.lua")
        self._view = MembershipView()
        self._renewed: float | None = None
        self._steady_since = 0.0

    async def renew(self) -> MembershipView:
        """Join, or renew the lease, and return the members.

        While Redis is unavailable no member can renew, and afterwards all seem to have lapsed. Therefore a member that
        missed renewals itself reports no lapsed members for the length of a lease, and keeps those that it knew.

        Raises:
            StoreUnavailable: No answer; the members are unknown.
        """
        requested_at = self._clock()
        present, lapsed, next_expiry = await self._store.run(
            self._script, keys=[self._key], args=[self.member, round(self._lease * 1000), round(REPORT_LAPSED * 1000)]
        )
        if self._renewed is None or requested_at - self._renewed > self._lease:
            self._steady_since = requested_at
        self._renewed = requested_at
        view = MembershipView(_names(present), _names(lapsed), next_expiry / 1000)
        if requested_at - self._steady_since < self._lease:
            view = MembershipView(view.present | self._view.present, next_expiry=view.next_expiry)
        self._view = view
        return view

    async def leave(self) -> None:
        """Remove the lease, so that others need not wait until it expires.

        Raises:
            StoreUnavailable: No answer; the lease will expire.
        """
        await self._store.command("ZREM", self._key, self.member)


def _names(members: list[bytes]) -> frozenset[str]:
    return frozenset(member.decode() for member in members)
