"""Redis came back empty, RabbitMQ's data were deleted: the worker says so, also after every service was restarted."""

from collections.abc import AsyncIterator, Callable

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


class Place:
    """What workers of one installation have, and what becomes of its servers."""

    def __init__(self, store: Store, redis: Redis, amqp_url: str, topology: Topology) -> None:
        self._store = store
        self._redis = redis
        self._amqp_url = amqp_url
        self._topology = topology
        self.publisher = MemoryPublisher()

    def detector(self) -> DataLossDetector:
        """Return that of a worker that starts now."""
        namespace = self._topology.namespace
        losses = Losses(self._store, namespace=namespace, registry=CollectorRegistry())
        generation = Generation(self._store, namespace=namespace)
        marker = Marker(self._amqp_url, self._topology, name="test")
        return DataLossDetector(self._store, generation, marker, self.publisher, losses, namespace=namespace)

    async def lose_redis(self) -> None:
        """Let Redis come back empty."""
        await delete_keys(self._redis, self._topology.namespace)

    async def lose_rabbitmq(self) -> None:
        """Let RabbitMQ come back empty: every connection to it is a new one."""
        async with await aio_pika.connect(self._amqp_url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(self._topology.marker_queue.name)
        self.publisher.connections += 1


@pytest.fixture
async def place(redis_url: str, redis: Redis, amqp_url: str, topology: Topology) -> AsyncIterator[Place]:
    """A new installation."""
    async with Store.open(redis_url) as store:
        yield Place(store, redis, amqp_url, topology)


@pytest.fixture
def said() -> Callable[[], list[str]]:
    """Return the parts whose loss was logged since the last time."""
    capture = structlog.testing.LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])

    def taken() -> list[str]:
        parts = [line["part"] for line in capture.entries if line["event"] == "data.lost"]
        capture.entries.clear()
        return parts

    yield taken
    structlog.configure(processors=before)


async def test_a_new_installation_has_lost_nothing(place: Place, said: Callable[[], list[str]]) -> None:
    """Neither at its first start, nor with a second worker, nor after restarts and new connections."""
    first, second = place.detector(), place.detector()
    for detector in (first, second, first, place.detector()):
        await detector.check()
    place.publisher.connections += 1
    await first.check()
    assert said() == []


@pytest.mark.parametrize("restarted", [False, True])
async def test_redis_came_back_empty(place: Place, said: Callable[[], list[str]], *, restarted: bool) -> None:
    """RabbitMQ's marker says that there were data; one worker says it, once."""
    detector, other = place.detector(), place.detector()
    await detector.check()
    await other.check()
    await place.lose_redis()
    if restarted:
        detector, other = place.detector(), place.detector()
    for each in (detector, other, detector):
        await each.check()
    assert said() == ["Redis"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_data_of_rabbitmq_were_deleted(
    place: Place, said: Callable[[], list[str]], *, restarted: bool
) -> None:
    """Redis's mark says that the marker queue was declared before; one worker says it, once."""
    detector, other = place.detector(), place.detector()
    await detector.check()
    await other.check()
    await place.lose_rabbitmq()
    if restarted:
        detector, other = place.detector(), place.detector()
    for each in (detector, other, detector):
        await each.check()
    assert said() == ["RabbitMQ"]


async def test_both_were_lost_under_a_running_worker(place: Place, said: Callable[[], list[str]]) -> None:
    """What it has seen in both must be in both."""
    detector = place.detector()
    await detector.check()
    await place.lose_redis()
    await place.lose_rabbitmq()
    await detector.check()
    assert said() == ["RabbitMQ", "Redis"]
