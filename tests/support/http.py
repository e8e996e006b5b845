"""aiohttp's test client for its low-level server."""

from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestClient

HttpClient: TypeAlias = TestClient[web.BaseRequest, None]
"""A client of a `LowLevelServer`."""


class LowLevelServer(BaseTestServer):
    """Serves a `web.Server` on a free port."""

    def __init__(self, served: web.Server) -> None:
        super().__init__()
        self._served = served

    async def _make_runner(self, **_: Any) -> web.BaseRunner:
        return web.ServerRunner(self._served)
