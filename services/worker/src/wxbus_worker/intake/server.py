"""Accepts requests of other programs: from the queue of requests, and by RPC if there are API keys."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry

from wxbus.aio.background import background
from wxbus.bus.ports import PublisherPort
from wxbus.bus.request_queue import RequestConsumer
from wxbus.config.watched_file import WatchedFile
from wxbus.rpc import Server
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.amqp import AmqpServer
from wxbus.rpc.transports.http import build_http
from wxbus.runtime.admin import listening
from wxbus_worker.intake.intake import Intake
from wxbus_worker.intake.queue import QueuedRequests
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.settings import WorkerSettings


class _FileKeys:
    """The API keys of a file that is reloaded when it changes (implements Authenticator)."""

    def __init__(self, file: WatchedFile[ApiKeys]) -> None:
        self._file = file

    def __call__(self, credentials: str) -> Principal | None:
        """Return the principal of the key, None if it is invalid."""
        return self._file.current(credentials)

    def by_certificate(self, subject: str) -> Principal | None:
        """Return the principal of a certificate with this subject, None if it is unknown."""
        return self._file.current.by_certificate(subject)


@asynccontextmanager
async def taking_requests(
    settings: WorkerSettings,
    intake: Intake,
    services: Sequence[object],
    publisher: PublisherPort,
    metrics: WorkerMetrics,
    *,
    name: str,
    registry: CollectorRegistry,
) -> AsyncIterator[None]:
    """Take requests while the block runs: from the queue, and as calls of `services`.

    Raises:
        ConfigurationError: The file of the API keys, or the port, cannot be used.
    """
    url, topology = settings.bus.amqp_url.get_secret_value(), settings.bus.topology
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        if settings.api_keys_file is not None:
            keys = WatchedFile(settings.api_keys_file, ApiKeys.read, name="api_keys", registry=registry)
            await enter(background(keys.watch()))
            server = Server(services, access=ApiKeyAccess(_FileKeys(keys)), registry=registry)
            await enter(AmqpServer.open(server, url, topology, name=name))
            http = build_http(server, title="wxbus messages")
            await enter(listening(http, host=settings.host, port=settings.port))
        consumer = RequestConsumer(url, topology, QueuedRequests(intake, publisher, metrics), name=name)
        await enter(background(consumer.run()))
        yield
