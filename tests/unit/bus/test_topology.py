"""Names and arguments of the queues."""

import pytest

from wxbus.bus.topology import DELIVERY_LIMIT, RETRY_DELAYS, Topology


def test_a_lane_is_always_in_the_same_partition() -> None:
    """The partition depends on the lane alone: these figures must never change, or a running user's order breaks."""
    topology = Topology(partitions=16)

    assert [topology.partition_of(lane) for lane in ("wx1:o1", "wx1:o2", "wx1:用户")] == [4, 14, 11]


def test_inbox_queues_keep_order_and_lose_nothing() -> None:
    """Quorum, one active consumer, a delivery limit with a dead-letter target that is at-least-once."""
    arguments = Topology().inbox_queue(3).arguments

    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-single-active-consumer"] is True
    assert arguments["x-delivery-limit"] == DELIVERY_LIMIT > 0
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"


def test_with_policies_only_what_can_never_change_is_an_argument() -> None:
    """Everything else would be refused with 406 once an operator changes it."""
    topology = Topology(limits_by="policy")

    assert set(topology.inbox_queue(0).arguments) == {"x-queue-type", "x-single-active-consumer"}
    assert set(topology.retry_queue("1s").arguments) == {"x-queue-type"}


def test_every_name_starts_with_the_namespace() -> None:
    """Two installations share a broker without meeting."""
    for binding in Topology(namespace="blue").bindings():
        assert binding.queue.name.startswith("blue.")
        assert binding.exchange.name.startswith("blue.")


def test_all_queues_are_bound() -> None:
    """Declaring the bindings declares everything: inbox partitions, retry delays, dead letters."""
    assert len({binding.queue.name for binding in Topology(partitions=5).bindings()}) == 5 + len(RETRY_DELAYS) + 1


@pytest.mark.parametrize("partition", [-1, 16])
def test_a_partition_out_of_range_is_an_error(partition: int) -> None:
    """A wrong number is told, not declared as a queue that nobody reads."""
    with pytest.raises(ValueError, match="outside"):
        Topology(partitions=16).inbox_queue(partition)
