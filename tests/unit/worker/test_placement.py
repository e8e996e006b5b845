from collections import Counter

import pytest

from wxbus.bus.ports import PartitionSubscription
from wxbus_worker.partitions.assignment import (
    MISPLACED,
    SETTLED,
    STANDBY_AFTER,
    Role,
    Step,
    next_step,
    place_of,
    ranked,
    shares,
)
from wxbus_worker.partitions.membership import LEASE
from wxbus_worker.partitions.rebalancer import TICK

MEMBERS = [f"worker@host{number}:1:abc" for number in range(5)]
PARTITIONS = range(16)

FIRST = PartitionSubscription(standby=False, delivering=None)
WAITING = PartitionSubscription(standby=True, delivering=None)


def consuming(seconds: float) -> PartitionSubscription:
    """A standby that has been delivered to for so long."""
    return PartitionSubscription(standby=True, delivering=seconds)


def test_the_order_is_the_same_everywhere() -> None:
    """Members agree without talking, in whatever order they see each other."""
    assert ranked(MEMBERS, "x") == ranked(frozenset(reversed(MEMBERS)), "x")
    assert shares(MEMBERS, 16) == shares(frozenset(reversed(MEMBERS)), 16)
    assert ranked(["a", "b", "c"], 0) == ["c", "a", "b"], "another order moves every partition at an upgrade"
    assert shares(["a", "b", "c"], 4) == {0: ("c", "b"), 1: ("a", "b"), 2: ("b", "a"), 3: ("c", "a")}, (
        "as do other shares"
    )


@pytest.mark.parametrize("partitions", [1, 4, 16, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 16, 20])
def test_shares_are_equal(count: int, partitions: int) -> None:
    """No worker stands idle while another has two partitions more; with more workers than partitions each has one."""
    members = [f"worker@host{number}:1:abc" for number in range(count)]
    firsts = Counter(dict.fromkeys(members, 0))
    firsts.update(share[0] for share in shares(members, partitions).values())
    assert set(firsts) == set(members)
    assert max(firsts.values()) - min(firsts.values()) <= 1
    assert firsts.total() == partitions


@pytest.mark.parametrize("count", [2, 3, 5, 9, 20])
def test_the_standby_is_the_heir(count: int) -> None:
    """Who takes over at once from a first that crashed keeps what it took: no partition moves twice."""
    members = [f"worker@host{number}:1:abc" for number in range(count)]
    before = shares(members, 16)
    for gone in members:
        after = shares([member for member in members if member != gone], 16)
        for partition, (first, standby) in before.items():
            assert standby != first
            if first == gone:
                assert after[partition][0] == standby


def test_one_alone_has_no_standby() -> None:
    """There is nobody to wait."""
    assert shares(["a"], 3) == {0: ("a",), 1: ("a",), 2: ("a",)}


def test_one_who_joins_or_leaves_moves_little_more_than_a_share() -> None:
    """On the average over many workers; equal shares cost a few moves among the others."""
    moved = 0
    for number in range(200):
        before = shares([f"{number}:{member}" for member in range(4)], 16)
        after = shares([f"{number}:{member}" for member in range(5)], 16)
        moved += sum(before[partition][0] != after[partition][0] for partition in PARTITIONS)
    assert moved / 200 < 1.5 * 16 / 5


def test_two_of_them_have_a_place() -> None:
    """The first consumes, the standby waits, the rest have nothing to do with it; nor has a stranger."""
    share = shares(MEMBERS, 16)[3]
    places = Counter(place_of(member, share) for member in MEMBERS)
    assert places == {Role.FIRST: 1, Role.STANDBY: 1, Role.NONE: 3}
    assert place_of(share[0], share) is Role.FIRST
    assert place_of("stranger", share) is place_of("stranger", ()) is Role.NONE


@pytest.mark.parametrize(
    ("place", "holding", "since", "step"),
    [
        (Role.FIRST, None, 0, Step.TAKE),
        (Role.FIRST, WAITING, 0, Step.TAKE),
        (Role.STANDBY, None, STANDBY_AFTER - 0.1, Step.KEEP),
        (Role.STANDBY, None, STANDBY_AFTER, Step.TAKE),
        (Role.STANDBY, WAITING, 100, Step.KEEP),
        (Role.STANDBY, FIRST, SETTLED - 0.1, Step.KEEP),
        (Role.STANDBY, FIRST, SETTLED, Step.GIVE_UP),
        (Role.STANDBY, consuming(MISPLACED - 0.1), 100, Step.KEEP),
        (Role.STANDBY, consuming(100), MISPLACED - 0.1, Step.KEEP),
        (Role.STANDBY, consuming(MISPLACED), MISPLACED, Step.GIVE_UP),
        (Role.NONE, None, 100, Step.KEEP),
        (Role.NONE, WAITING, 0, Step.GIVE_UP),
        (Role.NONE, FIRST, SETTLED - 0.1, Step.KEEP),
        (Role.NONE, FIRST, SETTLED, Step.GIVE_UP),
        (Role.NONE, consuming(1), 100, Step.KEEP),
        (Role.NONE, consuming(100), 100, Step.GIVE_UP),
    ],
)
def test_next_step(place: Role, holding: PartitionSubscription | None, since: float, step: Step) -> None:
    """Who may be consuming makes room once the first has had time to subscribe; idle ones without a place go before."""
    assert next_step(place, holding, since=since) is step


def test_a_crashed_first_is_waited_for() -> None:
    """Its standby consumes at once and must not make room for it as long as it is still told to be there."""
    assert LEASE + TICK < MISPLACED
