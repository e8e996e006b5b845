"""An accounts file, a broker behind a proxy, and WeChat's side."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.proxy import Proxy, proxied
from tests.support.pushes import AES_KEY, APPID, TOKEN, Push
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.topology import Topology

CLIENT_TIMEOUT = 60.0
"""Seconds, for a busy machine; `faults/ingress/test_deadline.py` checks that ingress answers in time."""
ACCOUNTS_FILE = f"""
[accounts.shop]
appid = "{APPID}"
kind = "official_account"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
modes = ["plain", "compatible", "secure"]
"""


@pytest.fixture
def accounts_file(tmp_path: Path) -> Path:
    """One account with all modes."""
    path = tmp_path / "accounts.toml"
    path.write_text(ACCOUNTS_FILE, encoding="utf-8")
    return path


@pytest.fixture
async def proxy(amqp_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the broker, and its URL."""
    async with proxied(amqp_url) as both:
        yield both


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client in place of WeChat."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CLIENT_TIMEOUT)) as session:
        yield session


async def send(http: aiohttp.ClientSession, url: str, push: Push) -> tuple[int, str]:
    """Send a push; return status and text of the answer."""
    async with http.post(url, params=push.query, data=push.body) as answer:
        return answer.status, await answer.text()


async def queued(amqp_url: str, topology: Topology, count: int) -> CollectingSink:
    """Return the inbox once it has `count` envelopes."""
    sink = CollectingSink()
    consumer = Consumer(amqp_url, topology, sink, name=topology.namespace)
    async with asyncio.TaskGroup() as group:
        group.create_task(consumer.run(range(topology.partitions)))
        await sink.until_delivered(count)
        await consumer.stop()
    return sink
