"""Error answers of Redis: a wrong server, or refused writes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from tests.conftest import quiet
from tests.support.fake_redis import refusing_redis
from tests.support.proxy import proxied
from tests.support.stores import open_store
from wxbus.errors import StoreUnavailable
from wxbus.store.generation import Generation, Losses
from wxbus.store.store import Script
from wxbus_local.servers.launcher import REDIS, Launcher
from wxbus_local.servers.server import Server
from wxbus_worker.store.retrying import RetryingStore

pytestmark = pytest.mark.integration

WRITE = Script("write", "redis.call('SET', KEYS[1], 1) return 1")
READ = Script("read", "return redis.call('GET', KEYS[1])")


@pytest.mark.parametrize(
    "error",
    [
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MOVED 1234 127.0.0.1:7000",
    ],
)
async def test_the_connection_to_a_wrong_server_is_dropped(error: str) -> None:
    """The next command connects again, to the server that the address leads to by then."""
    async with refusing_redis(error) as redis, open_store(redis.url) as store:
        for count in (1, 2, 3):
            with pytest.raises(
                StoreUnavailable, match=error.partition(" ")[0] if "LOADING" not in error else "loading"
            ):
                await store.command("SET", "key", 1)
            assert redis.connections == count


async def test_a_refused_command_keeps_the_connection() -> None:
    """A wrong command or a full memory is not an error of the connection."""
    async with refusing_redis("OOM command not allowed when used memory > 'maxmemory'.") as redis:
        async with open_store(redis.url) as store:
            for _ in range(3):
                with pytest.raises(StoreUnavailable, match="OOM command not allowed"):
                    await store.command("SET", "key", 1)
        assert redis.connections == 1


async def test_the_new_primary_is_found_after_a_failover(own_redis: Server, launcher: Launcher, tmp_path: Path) -> None:
    """The old primary is a replica and keeps the connection; writes go to the new primary."""
    promoted = await asyncio.to_thread(quiet(launcher).launch, REDIS, tmp_path / "promoted")
    try:
        async with proxied(own_redis.url) as (proxy, url), open_store(url) as store:
            assert await store.run(WRITE, keys=["key"]) == 1
            proxy.lead_to(promoted.url)
            host, port = promoted.url.removeprefix("redis://").partition("/")[0].split("@")[-1].split(":")
            async with Redis.from_url(own_redis.url) as old:
                await old.replicaof(host, port)
            with pytest.raises(StoreUnavailable, match="READONLY"):
                await store.run(WRITE, keys=["key"])
            assert await store.run(WRITE, keys=["key"]) == 1
    finally:
        promoted.discard()


REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "NOREPLICAS": ({"min-replicas-to-write": 1}, {"min-replicas-to-write": 0}),
    "OOM": ({"maxmemory": 1}, {"maxmemory": 0}),
}


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_redis_that_refuses_writes_counts_as_unavailable(own_redis: Server, code: str) -> None:
    """Although it answers reads. Readiness has Redis's reason; the log has one line at the start and one at the end."""
    refuse, accept = REFUSALS[code]
    async with Redis.from_url(own_redis.url) as admin, open_store(own_redis.url) as store:
        retrying = RetryingStore(store, Generation(store, namespace="t"))
        await retrying.check()
        with structlog.testing.capture_logs() as lines:
            for name, value in refuse.items():
                await admin.config_set(name, value)
            writing = asyncio.create_task(retrying.run(WRITE, keys=["t:key"]))
            for _ in range(20):
                with pytest.raises(StoreUnavailable, match=code):
                    await retrying.check()
                await retrying.run(READ, keys=["t:key"])
            assert not writing.done()
            for name, value in accept.items():
                await admin.config_set(name, value)
            assert await writing == 1
        assert [line["event"] for line in lines] == ["store.unavailable", "store.available"]
        assert code in lines[0]["error"]


async def test_lost_data_of_redis_are_reported(redis_url: str, namespace: str, redis: Redis) -> None:
    """A changed id is reported in the log, as a metric, and to operators."""
    registry = CollectorRegistry()
    async with open_store(redis_url) as store:
        losses = Losses(store, namespace=namespace, registry=registry)
        generation = Generation(store, namespace=namespace, losses=losses)
        await generation.check()
        await generation.check()
        assert await losses.recent() == []
        await redis.delete(f"{namespace}:generation")
        with structlog.testing.capture_logs() as lines:
            await generation.check()
            await generation.check()
        assert [(line["event"], line["part"], line["log_level"]) for line in lines] == [("data.lost", "Redis", "error")]
        assert registry.get_sample_value("wxbus_data_losses_total", {"part": "Redis"}) == 1
        (note,) = await losses.recent()
    assert note.startswith("Redis lost its data (detected ")
