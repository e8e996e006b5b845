"""The admin port."""

from aiohttp.test_utils import TestClient, TestServer

from wxbus.errors import BrokerUnavailable
from wxbus.runtime.admin import build_admin


async def test_readiness_names_the_part_that_is_not_ready() -> None:
    """One unavailable part makes the service not ready; the answer has its name and the reason. It stays alive."""

    async def ready() -> None: ...

    async def away() -> None:
        raise BrokerUnavailable("no connection")

    async with TestClient(TestServer(build_admin({"redis": ready, "rabbitmq": away}))) as client:
        answer = await client.get("/readyz")
        assert answer.status == 503
        assert await answer.json() == {"ready": False, "parts": {"redis": "ready", "rabbitmq": "no connection"}}
        assert (await client.get("/healthz")).status == 200


async def test_metrics_have_prometheus_format() -> None:
    """`/metrics` has the format that Prometheus reads."""
    async with TestClient(TestServer(build_admin({}))) as client:
        answer = await client.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "# HELP" in await answer.text()
