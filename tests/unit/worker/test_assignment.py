"""Which member consumes which partition, and what a member does about a partition."""

from collections import Counter

import pytest

from wxbus.bus.ports import PartitionSubscription
from wxbus_worker.partitions.assignment import (
    RELEASE_AFTER,
    STANDBY_AFTER,
    STANDBY_RELEASE_AFTER,
    Action,
    Role,
    assign,
    next_action,
    ranked,
    role_of,
)
from wxbus_worker.partitions.membership import LEASE
from wxbus_worker.partitions.rebalancer import INTERVAL

MEMBERS = [f"worker@host{number}:1:abc" for number in range(5)]
PARTITIONS = range(16)

AS_OWNER = PartitionSubscription(standby=False, delivering=None)
WAITING = PartitionSubscription(standby=True, delivering=None)


def consuming(seconds: float) -> PartitionSubscription:
    """A standby that RabbitMQ has delivered to for this time."""
    return PartitionSubscription(standby=True, delivering=seconds)


def test_all_members_compute_the_same_assignment() -> None:
    """The order of the members does not matter. The values are fixed: new ones would move all partitions."""
    assert ranked(MEMBERS, "x") == ranked(frozenset(reversed(MEMBERS)), "x")
    assert assign(MEMBERS, 16) == assign(frozenset(reversed(MEMBERS)), 16)
    assert ranked(["a", "b", "c"], 0) == ["c", "a", "b"], "another order moves every partition at an upgrade"
    assert assign(["a", "b", "c"], 4) == {0: ("c", "b"), 1: ("a", "b"), 2: ("b", "a"), 3: ("c", "a")}


@pytest.mark.parametrize("partitions", [1, 4, 16, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 16, 20])
def test_shares_are_equal(count: int, partitions: int) -> None:
    """Two members differ by one partition at most; with more members than partitions each has one at most."""
    members = [f"worker@host{number}:1:abc" for number in range(count)]
    owners = Counter(dict.fromkeys(members, 0))
    owners.update(assigned[0] for assigned in assign(members, partitions).values())
    assert set(owners) == set(members)
    assert max(owners.values()) - min(owners.values()) <= 1
    assert owners.total() == partitions


@pytest.mark.parametrize("count", [2, 3, 5, 9, 20])
def test_the_standby_is_the_next_owner(count: int) -> None:
    """A standby that takes over from a crashed owner keeps the partition: it does not move twice."""
    members = [f"worker@host{number}:1:abc" for number in range(count)]
    before = assign(members, 16)
    for leaving in members:
        after = assign([member for member in members if member != leaving], 16)
        for partition, (owner, standby) in before.items():
            assert standby != owner
            if owner == leaving:
                assert after[partition][0] == standby


def test_a_single_member_has_no_standby() -> None:
    """A single member owns all partitions, without a standby."""
    assert assign(["a"], 3) == {0: ("a",), 1: ("a",), 2: ("a",)}


def test_a_new_member_moves_little_more_than_its_share() -> None:
    """On average; equal shares cost a few moves among the others."""
    moved = 0
    for number in range(200):
        before = assign([f"{number}:{member}" for member in range(4)], 16)
        after = assign([f"{number}:{member}" for member in range(5)], 16)
        moved += sum(before[partition][0] != after[partition][0] for partition in PARTITIONS)
    assert moved / 200 < 1.5 * 16 / 5


def test_each_partition_has_an_owner_and_a_standby() -> None:
    """All other members, and strangers, have no role."""
    assigned = assign(MEMBERS, 16)[3]
    roles = Counter(role_of(member, assigned) for member in MEMBERS)
    assert roles == {Role.OWNER: 1, Role.STANDBY: 1, Role.NONE: 3}
    assert role_of(assigned[0], assigned) is Role.OWNER
    assert role_of("stranger", assigned) is role_of("stranger", ()) is Role.NONE


@pytest.mark.parametrize(
    ("role", "subscription", "since", "action"),
    [
        (Role.OWNER, None, 0, Action.SUBSCRIBE),
        (Role.OWNER, WAITING, 0, Action.SUBSCRIBE),
        (Role.STANDBY, None, STANDBY_AFTER - 0.1, Action.KEEP),
        (Role.STANDBY, None, STANDBY_AFTER, Action.SUBSCRIBE),
        (Role.STANDBY, WAITING, 100, Action.KEEP),
        (Role.STANDBY, AS_OWNER, RELEASE_AFTER - 0.1, Action.KEEP),
        (Role.STANDBY, AS_OWNER, RELEASE_AFTER, Action.UNSUBSCRIBE),
        (Role.STANDBY, consuming(STANDBY_RELEASE_AFTER - 0.1), 100, Action.KEEP),
        (Role.STANDBY, consuming(100), STANDBY_RELEASE_AFTER - 0.1, Action.KEEP),
        (Role.STANDBY, consuming(STANDBY_RELEASE_AFTER), STANDBY_RELEASE_AFTER, Action.UNSUBSCRIBE),
        (Role.NONE, None, 100, Action.KEEP),
        (Role.NONE, WAITING, 0, Action.UNSUBSCRIBE),
        (Role.NONE, AS_OWNER, RELEASE_AFTER - 0.1, Action.KEEP),
        (Role.NONE, AS_OWNER, RELEASE_AFTER, Action.UNSUBSCRIBE),
        (Role.NONE, consuming(1), 100, Action.KEEP),
        (Role.NONE, consuming(100), 100, Action.UNSUBSCRIBE),
    ],
)
def test_next_action(role: Role, subscription: PartitionSubscription | None, since: float, action: Action) -> None:
    """A member that may consume unsubscribes after the owner had time to subscribe; an idle one at once."""
    assert next_action(role, subscription, since=since) is action


def test_a_standby_does_not_release_for_a_crashed_owner() -> None:
    """The owner remains a member until its lease has expired."""
    assert LEASE + INTERVAL < STANDBY_RELEASE_AFTER
