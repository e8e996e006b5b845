"""Which member takes which partition: rendezvous hashing, so that one who comes or goes moves only its own share."""

import hashlib
from collections.abc import Collection
from enum import Enum, auto
from typing import Final

from wxbus.bus.ports import Holding

SETTLED: Final = 2.0
"""Seconds for which another must have been the first of a partition before it is given up for that one: time to
subscribe, and a short misunderstanding moves nothing."""
MISPLACED: Final = 5.0
"""Seconds for which a standby consumes before it makes room: the first may have crashed, and is told so long as its
lease has not ended."""
STANDBY_AFTER: Final = 1.0
"""Seconds for which another must have been the first before its standby subscribes: RabbitMQ takes them in order."""


class Place(Enum):
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
    """Return the members in their order for `subject` (a partition): the same wherever it is asked."""
    return sorted(members, key=lambda member: hashlib.blake2b(f"{member}|{subject}".encode(), digest_size=8).digest())


def place_of(member: str, ranks: list[str]) -> Place:
    """Return what `member` is to a partition with these ranks."""
    if ranks[:1] == [member]:
        return Place.FIRST
    return Place.STANDBY if ranks[1:2] == [member] else Place.NONE


def next_step(place: Place, holding: Holding | None, *, since: float) -> Step:
    """Return what to do about a partition, so that the oldest subscription is that of its first member.

    Who should not consume gives the partition up and, as a standby, subscribes again behind the first. A standby that
    is none any more leaves before that: otherwise the partition would move twice.

    Args:
        place: Of this member.
        holding: Its subscription, if there is one.
        since: Seconds since another became the first.
    """
    if place is Place.FIRST:
        return Step.TAKE
    if holding is None:
        return Step.TAKE if place is Place.STANDBY and since >= STANDBY_AFTER else Step.KEEP
    if not holding.standby:
        return Step.GIVE_UP if since >= SETTLED else Step.KEEP
    if holding.delivering is not None:
        return Step.GIVE_UP if min(since, holding.delivering) >= MISPLACED else Step.KEEP
    return Step.GIVE_UP if place is Place.NONE else Step.KEEP
