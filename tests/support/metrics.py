"""Reads and awaits the metrics of a service that runs in the test's process."""

import asyncio

from prometheus_client import CollectorRegistry, Counter

POLL_INTERVAL = 0.002
"""Seconds between two reads."""


def counted(counter: Counter) -> float:
    """Return the value of a counter, or of the child of one for its labels."""
    [metric] = counter.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))


async def until_metric(registry: CollectorRegistry, name: str, value: float, **labels: str) -> None:
    """Return once a metric has a value."""
    while registry.get_sample_value(name, labels) != value:  # noqa: ASYNC110 - a metric cannot be awaited
        await asyncio.sleep(POLL_INTERVAL)


async def until_spool_drained(registry: CollectorRegistry) -> None:
    """Return once callbacks go to RabbitMQ directly."""
    await until_metric(registry, "wxbus_ingress_spool_active", 0)
