"""Assigns partitions to members: rendezvous hashing with equal shares (decision 0013).

All members that know the same members compute the same assignment. A member that joins or leaves moves little more than
its own share.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Final

from wxbus.bus.ports import PartitionSubscription

RELEASE_AFTER: Final = 2.0
"""Seconds after a change of owner until the previous owner unsubscribes. The new owner has time to subscribe, and a
short disagreement moves nothing."""
STANDBY_RELEASE_AFTER: Final = 5.0
"""Seconds for which a standby consumes before it unsubscribes for the owner. The owner may have crashed; it remains a
member until its lease expires."""
STANDBY_AFTER: Final = 1.0
"""Seconds until the standby subscribes: after the owner, because RabbitMQ activates subscriptions in order."""


class Role(Enum):
    """A member's role for a partition."""

    OWNER = auto()
    """It consumes the partition."""
    STANDBY = auto()
    """It takes over at once when the owner disconnects."""
    NONE = auto()


class Action(Enum):
    """The next step of a member for a partition."""

    KEEP = auto()
    SUBSCRIBE = auto()
    UNSUBSCRIBE = auto()


def ranked(members: Collection[str], subject: object) -> list[str]:
    """Return the members in their order for `subject`, which is the same on every member."""
    return sorted(members, key=lambda member: _hash(member, subject))


def assign(members: Collection[str], partitions: int) -> dict[int, tuple[str, ...]]:
    """Return each partition's owner and, with more members than one, its standby: the owner if this one leaves.

    The numbers of partitions of any two owners differ by one at most.
    """
    every_bid = [(member, partition) for member in members for partition in range(partitions)]
    bids = sorted(every_bid, key=lambda bid: _hash(*bid))
    owners = _distribute(bids, len(members), partitions)
    if len(members) == 1:
        return {partition: (owner,) for partition, owner in owners.items()}
    successors = {
        leaving: _distribute((bid for bid in bids if bid[0] != leaving), len(members) - 1, partitions)
        for leaving in set(owners.values())
    }
    return {partition: (owner, successors[owner][partition]) for partition, owner in owners.items()}


def role_of(member: str, assigned: Sequence[str]) -> Role:
    """Return the role of `member` for a partition; `assigned` is its owner, then its standby."""
    if member not in assigned:
        return Role.NONE
    return Role.OWNER if assigned[0] == member else Role.STANDBY


def next_action(role: Role, subscription: PartitionSubscription | None, *, since: float) -> Action:
    """Return the next step for a partition, so that its oldest subscription becomes the owner's.

    A member that should not consume unsubscribes; a standby subscribes again, behind the owner. A standby that has lost
    its role unsubscribes first: else the partition would move twice.

    Args:
        role: Of this member.
        subscription: Its subscription, if it has one.
        since: Seconds since the partition's owner changed.
    """
    if role is Role.OWNER:
        return Action.SUBSCRIBE
    if subscription is None:
        return Action.SUBSCRIBE if role is Role.STANDBY and since >= STANDBY_AFTER else Action.KEEP
    if not subscription.standby:
        return Action.UNSUBSCRIBE if since >= RELEASE_AFTER else Action.KEEP
    if subscription.delivering is not None:
        release = min(since, subscription.delivering) >= STANDBY_RELEASE_AFTER
        return Action.UNSUBSCRIBE if release else Action.KEEP
    return Action.UNSUBSCRIBE if role is Role.NONE else Action.KEEP


def _hash(member: str, subject: object) -> bytes:
    return hashlib.blake2b(f"{member}|{subject}".encode(), digest_size=8).digest()


def _distribute(bids: Iterable[tuple[str, int]], members: int, partitions: int) -> Mapping[int, str]:
    """Give each partition to the first bid of a member whose share is not full."""
    minimum, larger_shares = divmod(partitions, members)
    counts: Counter[str] = Counter()
    owners: dict[int, str] = {}
    for member, partition in bids:
        if partition in owners or counts[member] > minimum or (counts[member] == minimum and not larger_shares):
            continue
        larger_shares -= counts[member] == minimum
        counts[member] += 1
        owners[partition] = member
        if len(owners) == partitions:
            break
    return owners
