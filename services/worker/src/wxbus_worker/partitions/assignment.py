"""Which member takes which partition: rendezvous hashing with equal shares (decision 0013).

Everybody who knows the same members comes to the same result, and one who comes or goes moves little more than its
own share.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from wxbus.bus.ports import PartitionSubscription

SETTLED: Final = 2.0
"""Seconds for which another must have been the first of a partition before it is given up for that one: time to
subscribe, and a short misunderstanding moves nothing."""
MISPLACED: Final = 5.0
"""Seconds for which a standby consumes before it makes room: the first may have crashed, and is told so long as its
lease has not ended."""
STANDBY_AFTER: Final = 1.0
"""Seconds for which another must have been the first before its standby subscribes: RabbitMQ takes them in order."""


class Role(Enum):
    """What a member is to a partition."""

    FIRST = auto()
    """It consumes."""
    STANDBY = auto()
    """It waits to take over at once."""
    NONE = auto()


class Step(Enum):
    """What to do about a partition."""

    KEEP = auto()
    TAKE = auto()
    GIVE_UP = auto()


def ranked(members: Collection[str], subject: object) -> list[str]:
    """Return the members in their order for `subject`: the same wherever it is asked."""
    return sorted(members, key=lambda member: _hash(member, subject))


def shares(members: Collection[str], partitions: int) -> dict[int, tuple[str, ...]]:
    """Return the first of each partition and, if there are more members, its standby: who would be first without it.

    No member is the first of more than one partition more than another.
    """
    every_bid = [(member, partition) for member in members for partition in range(partitions)]
    bids = sorted(every_bid, key=lambda bid: _hash(*bid))
    firsts = _dealt(bids, len(members), partitions)
    if len(members) == 1:
        return {partition: (first,) for partition, first in firsts.items()}
    heirs = {
        gone: _dealt((bid for bid in bids if bid[0] != gone), len(members) - 1, partitions)
        for gone in set(firsts.values())
    }
    return {partition: (first, heirs[first][partition]) for partition, first in firsts.items()}


def place_of(member: str, share: Sequence[str]) -> Role:
    """Return what `member` is to a partition with this first and standby."""
    if member not in share:
        return Role.NONE
    return Role.FIRST if share[0] == member else Role.STANDBY


def next_step(place: Role, holding: PartitionSubscription | None, *, since: float) -> Step:
    """Return what to do about a partition, so that the oldest subscription is that of its first member.

    Who should not consume gives the partition up and, as a standby, subscribes again behind the first. A standby that
    is none any more leaves before that: otherwise the partition would move twice.

    Args:
        place: Of this member.
        holding: Its subscription, if there is one.
        since: Seconds since another became the first.
    """
    if place is Role.FIRST:
        return Step.TAKE
    if holding is None:
        return Step.TAKE if place is Role.STANDBY and since >= STANDBY_AFTER else Step.KEEP
    if not holding.standby:
        return Step.GIVE_UP if since >= SETTLED else Step.KEEP
    if holding.delivering is not None:
        return Step.GIVE_UP if min(since, holding.delivering) >= MISPLACED else Step.KEEP
    return Step.GIVE_UP if place is Role.NONE else Step.KEEP


def _hash(member: str, subject: object) -> bytes:
    return hashlib.blake2b(f"{member}|{subject}".encode(), digest_size=8).digest()


def _dealt(bids: Iterable[tuple[str, int]], members: int, partitions: int) -> Mapping[int, str]:
    """Give each partition to the earliest bid of a member whose share is not full yet."""
    least, one_more = divmod(partitions, members)
    counts: Counter[str] = Counter()
    dealt: dict[int, str] = {}
    for member, partition in bids:
        if partition in dealt or counts[member] > least or (counts[member] == least and not one_more):
            continue
        one_more -= counts[member] == least
        counts[member] += 1
        dealt[partition] = member
        if len(dealt) == partitions:
            break
    return dealt
