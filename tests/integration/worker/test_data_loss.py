"""A worker reports that Redis or RabbitMQ lost its data, even if all services were restarted since."""

from collections.abc import Callable, Iterator

import aio_pika
import pytest
import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from tests.support.leftovers import delete_keys
from wxbus.bus.marker import Marker
from wxbus.bus.topology import Topology
from wxbus.store.generation import Generation, Losses
from wxbus.store.store import Store
from wxbus.testing import MemoryPublisher
from wxbus_worker.sweepers.data_loss import DataLossDetector

pytestmark = pytest.mark.integration


class Installation:
    """The servers of one installation, and its workers."""

    def __init__(self, store: Store, redis: Redis, amqp_url: str, topology: Topology) -> None:
        self._store = store
        self._redis = redis
        self._amqp_url = amqp_url
        self._topology = topology
        self.publisher = MemoryPublisher()

    def detector(self) -> DataLossDetector:
        """Return the detector of a worker that starts now."""
        namespace = self._topology.namespace
        losses = Losses(self._store, namespace=namespace, registry=CollectorRegistry())
        generation = Generation(self._store, namespace=namespace)
        marker = Marker(self._amqp_url, self._topology, name="test")
        return DataLossDetector(self._store, generation, marker, self.publisher, losses, namespace=namespace)

    async def lose_redis(self) -> None:
        """Delete all data of Redis."""
        await delete_keys(self._redis, self._topology.namespace)

    async def lose_rabbitmq(self) -> None:
        """Delete RabbitMQ's marker queue and all connections."""
        async with await aio_pika.connect(self._amqp_url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(self._topology.marker_queue.name)
        self.publisher.connections += 1


@pytest.fixture
def installation(store: Store, redis: Redis, amqp_url: str, topology: Topology) -> Installation:
    """Return a new installation."""
    return Installation(store, redis, amqp_url, topology)


@pytest.fixture
def reported() -> Iterator[Callable[[], list[str]]]:
    """Yield a function that returns the parts whose loss was logged since the last call."""
    capture = structlog.testing.LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])

    def taken() -> list[str]:
        parts = [line["part"] for line in capture.entries if line["event"] == "data.lost"]
        capture.entries.clear()
        return parts

    yield taken
    structlog.configure(processors=before)


async def test_a_new_installation_reports_no_loss(
    installation: Installation, reported: Callable[[], list[str]]
) -> None:
    """Not at its first start, not with a second worker, not after restarts and reconnects."""
    first, second = installation.detector(), installation.detector()
    for detector in (first, second, first, installation.detector()):
        await detector.check()
    installation.publisher.connections += 1
    await first.check()
    assert reported() == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_empty_redis_is_reported_once(
    installation: Installation, reported: Callable[[], list[str]], *, restarted: bool
) -> None:
    """RabbitMQ's marker shows that there was data; one worker reports it."""
    detector, other = installation.detector(), installation.detector()
    await detector.check()
    await other.check()
    await installation.lose_redis()
    if restarted:
        detector, other = installation.detector(), installation.detector()
    for each in (detector, other, detector):
        await each.check()
    assert reported() == ["Redis"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_empty_rabbitmq_is_reported_once(
    installation: Installation, reported: Callable[[], list[str]], *, restarted: bool
) -> None:
    """Redis's marker shows that the marker queue was declared; one worker reports it."""
    detector, other = installation.detector(), installation.detector()
    await detector.check()
    await other.check()
    await installation.lose_rabbitmq()
    if restarted:
        detector, other = installation.detector(), installation.detector()
    for each in (detector, other, detector):
        await each.check()
    assert reported() == ["RabbitMQ"]


async def test_a_running_worker_reports_the_loss_of_both(
    installation: Installation, reported: Callable[[], list[str]]
) -> None:
    """It has seen both markers before."""
    detector = installation.detector()
    await detector.check()
    await installation.lose_redis()
    await installation.lose_rabbitmq()
    await detector.check()
    assert reported() == ["RabbitMQ", "Redis"]
