from collections import Counter

import pytest

from wxbus.bus.ports import Holding
from wxbus_worker.membership import LEASE
from wxbus_worker.ownership import TICK
from wxbus_worker.placement import MISPLACED, SETTLED, STANDBY_AFTER, Place, Step, next_step, place_of, ranked

MEMBERS = [f"worker@host{number}:1:abc" for number in range(5)]
PARTITIONS = range(16)

FIRST = Holding(standby=False, delivering=None)
WAITING = Holding(standby=True, delivering=None)


def consuming(seconds: float) -> Holding:
    """A standby that has been delivered to for so long."""
    return Holding(standby=True, delivering=seconds)


def test_the_order_is_the_same_everywhere() -> None:
    """Members agree on every partition without talking, in whatever order they see each other."""
    for partition in PARTITIONS:
        assert ranked(MEMBERS, partition) == ranked(frozenset(reversed(MEMBERS)), partition)
    assert ranked(["a", "b", "c"], 0) == ["c", "a", "b"], "another order moves every partition at an upgrade"


def test_one_who_leaves_moves_only_its_own() -> None:
    """The others keep the order they had, so the standby is the heir, and nothing else moves."""
    for gone in MEMBERS:
        left = [member for member in MEMBERS if member != gone]
        for partition in PARTITIONS:
            assert ranked(left, partition) == [member for member in ranked(MEMBERS, partition) if member != gone]


def test_everybody_has_a_share() -> None:
    """Many partitions are spread evenly enough."""
    firsts = Counter(ranked(MEMBERS, partition)[0] for partition in range(1000))
    assert set(firsts) == set(MEMBERS)
    assert max(firsts.values()) < 1.3 * min(firsts.values())


def test_two_of_them_have_a_place() -> None:
    """The first consumes, the second waits, the rest have nothing to do with it; nor has a stranger."""
    ranks = ranked(MEMBERS, 3)
    assert [place_of(member, ranks) for member in ranks] == [Place.FIRST, Place.STANDBY, *[Place.NONE] * 3]
    assert place_of("stranger", ranks) is place_of("stranger", []) is Place.NONE


@pytest.mark.parametrize(
    ("place", "holding", "since", "step"),
    [
        (Place.FIRST, None, 0, Step.TAKE),
        (Place.FIRST, WAITING, 0, Step.TAKE),
        (Place.STANDBY, None, STANDBY_AFTER - 0.1, Step.KEEP),
        (Place.STANDBY, None, STANDBY_AFTER, Step.TAKE),
        (Place.STANDBY, WAITING, 100, Step.KEEP),
        (Place.STANDBY, FIRST, SETTLED - 0.1, Step.KEEP),
        (Place.STANDBY, FIRST, SETTLED, Step.GIVE_UP),
        (Place.STANDBY, consuming(MISPLACED - 0.1), 100, Step.KEEP),
        (Place.STANDBY, consuming(100), MISPLACED - 0.1, Step.KEEP),
        (Place.STANDBY, consuming(MISPLACED), MISPLACED, Step.GIVE_UP),
        (Place.NONE, None, 100, Step.KEEP),
        (Place.NONE, WAITING, 0, Step.GIVE_UP),
        (Place.NONE, FIRST, SETTLED - 0.1, Step.KEEP),
        (Place.NONE, FIRST, SETTLED, Step.GIVE_UP),
        (Place.NONE, consuming(1), 100, Step.KEEP),
        (Place.NONE, consuming(100), 100, Step.GIVE_UP),
    ],
)
def test_next_step(place: Place, holding: Holding | None, since: float, step: Step) -> None:
    """Who may be consuming makes room once the first has had time to subscribe; idle ones without a place go before."""
    assert next_step(place, holding, since=since) is step


def test_a_crashed_first_is_waited_for() -> None:
    """Its standby consumes at once and must not make room for it as long as it is still told to be there."""
    assert LEASE + TICK < MISPLACED
