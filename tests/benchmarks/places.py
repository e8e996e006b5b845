"""Where a benchmark finds its servers: real ones, with names of its own on them; and what it starts itself."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from redis.asyncio import Redis

from tests.support.leftovers import delete_keys, delete_queues
from tests.support.processes import Service, serving
from wxbus.bus.topology import Topology
from wxbus_local.processes.run import Run


def _name() -> str:
    return f"bench{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of RabbitMQ and Redis, and a namespace for this run."""

    run: Run
    """Guards what is started."""
    folder: Path
    """For files and logs."""
    amqp_url: str
    redis_url: str
    full: bool = False
    """Measure at the sizes that take many minutes, too."""
    namespace: str = field(default_factory=_name)

    @property
    def topology(self) -> Topology:
        """Return the queues of this run."""
        return Topology(namespace=self.namespace)

    @asynccontextmanager
    async def background(self) -> AsyncIterator["Places"]:
        """Yield the same servers with other names on them; what is under these is deleted afterwards."""
        places = replace(self, namespace=_name())
        try:
            yield places
        finally:
            await delete_queues(places.amqp_url, places.topology)
            async with Redis.from_url(places.redis_url) as redis:
                await delete_keys(redis, places.namespace)

    def environment(self) -> dict[str, str]:
        """Return the variables that point a service there."""
        return {
            "WXBUS_AMQP_URL": self.amqp_url,
            "WXBUS_REDIS_URL": self.redis_url,
            "WXBUS_NAMESPACE": self.namespace,
            "WXBUS_LOG_LEVEL": "warning",
        }

    async def redis_usage(self) -> tuple[float, float, float]:
        """Return what Redis did in all: seconds of CPU, reads from its connections, scripts."""
        async with Redis.from_url(self.redis_url) as redis:
            found = await redis.info("cpu", "stats", "commandstats")
        scripts = sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"]), found["total_reads_processed"], scripts

    def service(
        self, module: str, *arguments: str, port: int | None = None, env: Mapping[str, str] | None = None
    ) -> Service:
        """Return `python -m MODULE ARGUMENTS`, not started; it is ready when `port`, if any, listens."""
        return Service(self.run, module, ("-m", module, *arguments), port=port, folder=self.folder, env=env)

    def serving(
        self, module: str, *arguments: str, port: int | None = None, env: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Service]:
        """Run such a service while the block runs."""
        return serving(self.service(module, *arguments, port=port, env=env))
