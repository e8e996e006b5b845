"""Names and arguments of the queues."""

import pytest

from wxbus.bus.topology import DELIVERY_LIMIT, RETRY_DELAYS, Topology


def test_a_lane_is_always_in_the_same_partition() -> None:
    """The partition depends on the lane alone. These figures must never change: that would break the order."""
    topology = Topology(partitions=16)

    assert [topology.partition_of(lane) for lane in ("wx1:o1", "wx1:o2", "wx1:用户")] == [4, 14, 11]


def test_inbox_queues_keep_order_and_lose_nothing() -> None:
    """Quorum type, single active consumer, delivery limit, and at-least-once dead-lettering."""
    arguments = Topology().inbox_queue(3).arguments

    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-single-active-consumer"] is True
    assert arguments["x-delivery-limit"] == DELIVERY_LIMIT > 0
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"


def test_with_policies_only_fixed_settings_are_arguments() -> None:
    """RabbitMQ refuses a declaration with other arguments after an operator has changed one."""
    topology = Topology(limits_by="policy")

    assert set(topology.inbox_queue(0).arguments) == {"x-queue-type", "x-single-active-consumer"}
    assert set(topology.retry_queue("1s").arguments) == {"x-queue-type"}


def test_every_name_starts_with_the_namespace() -> None:
    """Two installations can share a broker."""
    for binding in Topology(namespace="blue").bindings():
        assert binding.queue.name.startswith("blue.")
        assert binding.exchange.name.startswith("blue.")


def test_all_queues_are_bound() -> None:
    """The bindings contain all queues: inbox partitions, retry delays, dead letters."""
    assert len({binding.queue.name for binding in Topology(partitions=5).bindings()}) == 5 + len(RETRY_DELAYS) + 2


@pytest.mark.parametrize("partition", [-1, 16])
def test_a_partition_out_of_range_is_an_error(partition: int) -> None:
    """It raises ValueError instead of declaring a queue without consumer."""
    with pytest.raises(ValueError, match="outside"):
        Topology(partitions=16).inbox_queue(partition)
