"""What a worker remembers of its lanes: bounded, and dropped whenever another worker may have written."""

from tests.support.clock import Clock
from wxbus_worker.store.cache import LONGEST_SILENCE, OVERHEAD, KnownLane, LaneCache


def known(cache: LaneCache, context: bytes = b"{}", **fields: float) -> KnownLane:
    """Return a lane that was read now."""
    return KnownLane(("key",), 1, context, b"\nm1\n", cache.epoch, **fields)  # type: ignore[arg-type]  # floats only


def test_the_cache_is_bounded_by_bytes() -> None:
    """The lane whose last commit is the oldest is dropped first, whatever was looked up since."""
    cache = LaneCache(max_bytes=3 * (OVERHEAD + 1_000))
    for lane in "abcad":
        cache.put(lane, known(cache, bytes(900)))
        cache.get("b")
    assert [lane for lane in "abcd" if cache.get(lane)] == ["a", "c", "d"]
    cache.put("e", known(cache, bytes(2_000)))
    assert [lane for lane in "acde" if cache.get(lane)] == ["d", "e"]
    cache.put("f", known(cache, bytes(100_000)))
    assert (len(cache), cache.size) == (0, 0)


def test_a_commit_of_an_earlier_owner_is_not_kept() -> None:
    """A lane that was read before the partitions changed may have another owner, even if its commit succeeds now."""
    cache = LaneCache(max_bytes=10_000)
    read_before = known(cache)
    cache.put("b", read_before)
    cache.clear()
    cache.put("a", read_before)
    assert (cache.get("a"), cache.get("b"), cache.size) == (None, None, 0)


def test_nothing_is_trusted_after_a_silence() -> None:
    """A process that was frozen does not know what others have done meanwhile."""
    clock = Clock()
    cache = LaneCache(max_bytes=10_000, clock=clock)
    lane = known(cache)
    cache.put("a", lane)
    for _ in range(3):
        clock.now += LONGEST_SILENCE - 0.5
        assert cache.get("a") is lane
    clock.now += LONGEST_SILENCE + 0.5
    assert cache.get("a") is None


def test_an_expired_context_is_not_trusted() -> None:
    """Another worker may have removed it: a handler must not see it once more."""
    clock = Clock()
    cache = LaneCache(max_bytes=10_000, clock=clock)
    cache.put("a", known(cache, expires_at=clock() + 1.5))
    clock.now += 1
    assert cache.get("a") is not None
    clock.now += 1
    assert cache.get("a") is None


def test_a_lane_remembers_its_last_messages() -> None:
    """Only whole ids are found; surplus ones are dropped in groups, the oldest first."""
    lane = KnownLane(("key",), 1, b"", b"\n", 0)
    for number in range(8, 13):
        lane = lane.after(f"m{number}", number, b"", expires_at=0.0)
    assert (lane.version, lane.untrimmed) == (12, 5)
    assert [name for name in ("m", "m1", "m8", "m12", "2", "m8\nm9") if lane.remembers(name)][:2] == ["m8", "m12"]
    lane = lane.after("m13", 13, b"", expires_at=0.0).trimmed(4, now=7.0)
    assert lane.dedup_keys == b"\nm12\nm13\n"
    assert (lane.untrimmed, lane.trimmed_at) == (0, 7.0)
