"""Settings for the commands under test."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Servers
from wxbus_local.stack.cleanup import delete_namespace


@contextmanager
def settings_for(servers: Servers, folder: Path) -> Iterator[dict[str, str]]:
    """Yield variables with the session's servers, a new namespace and a folder for data; delete the namespace."""
    namespace = f"t{secrets.token_hex(6)}"
    yield {
        "WXBUS_AMQP_URL": servers.amqp_url,
        "WXBUS_REDIS_URL": servers.redis_url,
        "WXBUS_NAMESPACE": namespace,
        "WXBUS_LOCAL_DATA": str(folder / "data"),
    }
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as loop:
        loop.run(delete_namespace(servers.amqp_url, servers.redis_url, Topology(namespace)))


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the settings of one test."""
    with settings_for(servers, tmp_path) as settings:
        yield settings
