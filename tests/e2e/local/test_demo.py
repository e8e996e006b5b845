"""`make demo`: the conversation is played, and the exit code says whether all of it went as it must."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import aio_pika
import pytest
from aiohttp import web
from redis.asyncio import Redis

from tests.e2e.local.runner import environment
from wxbus.runtime.admin import listening
from wxbus_local.servers.launcher import Servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def demo(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The command, finished."""
    return subprocess.run(
        [sys.executable, "-m", "wxbus_local", "demo", *words],
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


async def test_the_conversation_goes_as_it_must_and_leaves_no_queue(servers: Servers) -> None:
    """Every step of the demo does what it should, and other people's servers are left as they were found."""
    done = demo(WXBUS_AMQP_URL=servers.amqp_url, WXBUS_REDIS_URL=servers.redis_url)

    assert done.returncode == 0, done.stdout + done.stderr
    for reply in ("hello (1)", "你好 (1)", "A fine picture.", "Welcome back.", "It worked at attempt 3.", "bye (3)"):
        assert reply in done.stdout
    assert "The conversation succeeded." in done.stdout
    names = re.search(r"namespace +(demo-\w+), deleted", done.stdout)
    assert names
    assert await names_left(servers, names[1]) == []


async def test_the_users_own_settings_and_data_are_left_out_of_it(
    servers: Servers, namespace: str, redis: "Redis", tmp_path: Path
) -> None:
    """Somebody has his bot, his account and his namespace set and tries the demo: it passes, his data is untouched."""
    await redis.set(f"{namespace}:precious", "data")

    done = await asyncio.to_thread(
        demo,
        WXBUS_AMQP_URL=servers.amqp_url,
        WXBUS_REDIS_URL=servers.redis_url,
        WXBUS_NAMESPACE=namespace,
        WXBUS_WORKER_APP="nothing_of_this_name:router",
        WXBUS_ACCOUNTS_FILE=str(tmp_path / "absent.toml"),
        WXBUS_WECHAT_API_URL="http://127.0.0.1:1",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert await redis.get(f"{namespace}:precious") == b"data"


async def names_left(servers: Servers, namespace: str) -> list[str]:
    """Queues and keys of the namespace on both servers."""
    left = []
    async with await aio_pika.connect(servers.amqp_url) as connection:
        for queue in (f"{namespace}.inbox.00", f"{namespace}.dead", f"{namespace}.retry.1s"):
            channel = await connection.channel()
            try:
                await channel.declare_queue(queue, passive=True)
                left.append(queue)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                pass
    async with Redis.from_url(servers.redis_url) as client:
        left += [key.decode() async for key in client.scan_iter(match=f"{namespace}:*")]
    return left


async def test_a_conversation_that_goes_wrong_is_no_success() -> None:
    """Against a sandbox that delivers nothing the steps fail: the exit code is 1 and each missing reply is named."""

    async def send(request: web.Request) -> web.Response:
        wanted = await request.json()
        attempt = {"status": 503, "body": "later", "ms": 1.0, "outcome": "failed", "reason": "status 503"}
        return web.json_response(
            {
                "account": wanted["account"],
                "openid": wanted["openid"],
                "msg_id": "1",
                "time": 0.0,
                "message": {},
                "attempts": [attempt],
                "outcome": "failed",
            }
        )

    async def nothing(_request: web.Request) -> web.Response:
        return web.json_response([])

    async def no_tokens(_request: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.add_routes(
        [web.post("/sandbox/send", send), web.get("/sandbox/sent", nothing), web.get("/sandbox/tokens", no_tokens)]
    )
    async with listening(app, host="127.0.0.1", port=0) as port:
        done = await asyncio.to_thread(demo, "--against", f"http://127.0.0.1:{port}")

    assert done.returncode == 1
    assert "WeChat got 503 'later' instead of success" in done.stdout
    assert "expected replies: hello (1); got: none" in done.stdout


def test_without_a_stack_to_play_against_the_reason_is_said() -> None:
    """A wrong address is one line, no stack trace."""
    done = demo("--against", "http://127.0.0.1:1")

    assert done.returncode == 1
    assert "does not answer" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
