"""`make demo`: plays the conversation in its own namespace, and deletes the namespace."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import aio_pika
import pytest
from redis.asyncio import Redis

from tests.e2e.local.run_command import environment
from wxbus_local.servers.launcher import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def test_the_demo_succeeds_and_leaves_no_data(
    servers: Servers, namespace: str, redis: "Redis", tmp_path: Path
) -> None:
    """Every step gets its replies. The user's settings are not used, and the user's data is not touched."""
    await redis.set(f"{namespace}:precious", "data")

    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "wxbus_local", "demo"],
        env=environment(
            WXBUS_AMQP_URL=servers.amqp_url,
            WXBUS_REDIS_URL=servers.redis_url,
            WXBUS_NAMESPACE=namespace,
            WXBUS_WORKER_APP="missing_module:router",
            WXBUS_ACCOUNTS_FILE=str(tmp_path / "absent.toml"),
            WXBUS_WECHAT_API_URL="http://127.0.0.1:1",
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for reply in ("hello (1)", "你好 (1)", "A fine picture.", "Welcome back.", "It worked at attempt 3.", "bye (3)"):
        assert reply in done.stdout
    for answer in ("401 getPhoneNumber", "logged in, phone number known", "we call *8000", "still there? (2)"):
        assert answer in done.stdout
    assert "The conversation succeeded." in done.stdout
    assert await redis.get(f"{namespace}:precious") == b"data"
    demo_namespace = re.search(r"namespace +(demo-\w+), deleted", done.stdout)
    assert demo_namespace
    assert await remaining_names(servers, demo_namespace[1]) == []


async def remaining_names(servers: Servers, namespace: str) -> list[str]:
    """Return the queues and keys of the namespace."""
    remaining = []
    async with await aio_pika.connect(servers.amqp_url) as connection:
        for queue in (f"{namespace}.inbox.00", f"{namespace}.dead", f"{namespace}.retry.1s"):
            channel = await connection.channel()
            try:
                await channel.declare_queue(queue, passive=True)
                remaining.append(queue)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                pass
    async with Redis.from_url(servers.redis_url) as client:
        remaining += [key.decode() async for key in client.scan_iter(match=f"{namespace}:*")]
    return remaining
