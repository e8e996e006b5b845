"""The admin port of every service: `/healthz` (alive), `/readyz` (state of each part), `/metrics`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from wxbus.errors import WxbusError
from wxbus.runtime.http_server import ApplicationRunner
from wxbus.runtime.sockets import BACKLOG, listening_socket

Check: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when its part is ready; raises WxbusError with the reason if not."""

CHECK_TIMEOUT = 2.0
GRACE = 60.0
"""Seconds for requests in flight when a port is closed."""


def build_admin(
    checks: Mapping[str, Check],
    *,
    informational: Mapping[str, Check] | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> web.Application:
    """Return the admin application.

    Args:
        checks: Readiness checks by name of the part.
        informational: Checks of parts that `/readyz` shows and that do not affect readiness.
        registry: Holds the metrics.
    """
    everything = {**checks, **(informational or {})}

    async def readyz(_request: web.Request) -> web.Response:
        states = await asyncio.gather(*(_state(check) for check in everything.values()))
        parts = dict(zip(everything, states, strict=True))
        ready = all(parts[name] == "ready" for name in checks)
        return web.json_response({"ready": ready, "parts": parts}, status=200 if ready else 503)

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


@asynccontextmanager
async def listening(
    app: web.Application | web.Server,
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    grace: float = GRACE,
) -> AsyncIterator[int]:
    """Serve `app` while the block runs, over HTTPS with `tls`; yields the port (`port=0` takes a free one).

    The end of the block closes the port, and waits up to `grace` seconds for requests in flight.

    Raises:
        ConfigurationError: The port is taken, or the host is not an address of this machine.
    """
    runner = (
        ApplicationRunner(app, shutdown_timeout=grace)
        if isinstance(app, web.Application)
        else web.ServerRunner(app, shutdown_timeout=grace)
    )
    await runner.setup()
    try:
        listener = listening_socket(host, port)
        await web.SockSite(runner, listener, backlog=BACKLOG, ssl_context=tls).start()
        yield int(listener.getsockname()[1])
    finally:
        await runner.cleanup()


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check()
    except TimeoutError:
        return f"no answer in {CHECK_TIMEOUT:.0f} s"
    except WxbusError as exc:
        return str(exc)
    return "ready"
