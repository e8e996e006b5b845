"""Gateways with a real token service, a real Redis and the sandbox as WeChat."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.gateway import Gateways, gateways
from wxbus.bus.topology import Topology

KIOSK_MINI = """
[accounts.bar]
appid = "wx0000000000000005"
kind = "mini_program"
secret = "SECRET-OF-BAR-0123456789abcdef"
"""


@pytest.fixture
async def world(tmp_path: Path, redis_url: str, amqp_url: str, topology: Topology) -> AsyncIterator[Gateways]:
    """Yield gateways of two Mini Programs."""
    async with gateways(tmp_path, redis_url, amqp_url, topology, more=KIOSK_MINI) as world:
        yield world
