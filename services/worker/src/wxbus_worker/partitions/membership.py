"""The workers that consume, each with a lease in Redis on Redis's clock (RabbitMQ and Redis reference 4).

Nothing hangs on it but the balance: who may consume is RabbitMQ's decision, who may commit is the context store's.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wxbus.store.store import Script, Store

LEASE: Final = 3.0
"""Seconds after the last renewal in which a member counts as there."""
TOLD: Final = 60.0
"""Seconds for which a lapsed member is told, so that somebody closes its connection."""


@dataclass(frozen=True, slots=True)
class MembershipView:
    """The members as one of them sees them."""

    present: frozenset[str] = frozenset()
    lapsed: frozenset[str] = frozenset()
    """Neither renewed nor taken leave: crashed, frozen or cut off."""
    next_end: float = field(default=LEASE, compare=False)
    """Seconds until the next lease ends, unless it is renewed."""


class Membership:
    """One member's place among the others."""

    def __init__(
        self, store: Store, *, namespace: str, member: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`member` is a name that no other process has or had; `clock` goes on while the process is frozen."""
        self.member = member
        self._store = store
        self._key = f"{namespace}:members"
        self._clock = clock
        self._script = Script.of("wxbus_worker.store.lua", "renew_membership.lua")
        self._roll = MembershipView()
        self._renewed: float | None = None
        self._steady_since = 0.0

    async def renew(self) -> MembershipView:
        """Announce the member, or renew its lease, and return who is there.

        After a time without Redis nobody could renew and all seem to have lapsed. So for the length of a lease a member
        that missed renewals itself judges nobody, and those that it knew count as there.

        Raises:
            StoreUnavailable: No answer; who is there is not known.
        """
        asked = self._clock()
        present, lapsed, next_end = await self._store.run(
            self._script, keys=[self._key], args=[self.member, round(LEASE * 1000), round(TOLD * 1000)]
        )
        if self._renewed is None or asked - self._renewed > LEASE:
            self._steady_since = asked
        self._renewed = asked
        roll = MembershipView(_names(present), _names(lapsed), next_end / 1000)
        if asked - self._steady_since < LEASE:
            roll = MembershipView(roll.present | self._roll.present, next_end=roll.next_end)
        self._roll = roll
        return roll

    async def leave(self) -> None:
        """Take leave: the others need not wait for the lease to end.

        Raises:
            StoreUnavailable: No answer; the lease ends by itself.
        """
        await self._store.command("ZREM", self._key, self.member)


def _names(members: list[bytes]) -> frozenset[str]:
    return frozenset(member.decode() for member in members)
