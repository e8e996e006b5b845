"""What the commands are given to work with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from wxbus.bus.topology import Topology
from wxbus_local.servers.launcher import Servers
from wxbus_local.stack.cleanup import delete_namespace


@pytest.fixture
def settings(servers: Servers, namespace: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables that give the command this session's servers, names of its own on them, and a folder."""
    yield {
        "WXBUS_AMQP_URL": servers.amqp_url,
        "WXBUS_REDIS_URL": servers.redis_url,
        "WXBUS_NAMESPACE": namespace,
        "WXBUS_LOCAL_DATA": str(tmp_path / "data"),
    }
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as loop:
        loop.run(delete_namespace(servers.amqp_url, servers.redis_url, Topology(namespace)))
