"""CPU of one customer-service message by `WeChatClient`, beside the same POST by aiohttp alone, in this process."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from tests.benchmarks.arms import stand_in
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.wechat import reply

ROUNDS, CALLS, CALLERS = 9, 2_000, 8
APPID, OPENID, TEXT, TOKEN = "wxbench0000000000", "o1", "你好, order 17", "t" * 40
HEADERS = {"Content-Type": "application/json; charset=utf-8"}
PATH = "/cgi-bin/message/custom/send"


class _Tokens:
    async def get(self, appid: str) -> str:  # noqa: ARG002 - of the protocol
        return TOKEN

    async def report_invalid(self, appid: str, token: str) -> str:  # noqa: ARG002 - of the protocol
        return token


async def measure(places: Places) -> list[Result]:
    """Return the CPU of both."""
    async with stand_in(places) as (url, _):
        rounds = await asyncio.to_thread(uvloop.run, _rounds(url))
    return [
        Result.of("api/call-us", "us/call", [ours for ours, _ in rounds]),
        Result.of("api/bare-call-us", "us/call", [bare for _, bare in rounds]),
        Result.of("api/call-vs-bare", "ratio", [ours / bare for ours, bare in rounds]),
    ]


async def _rounds(url: str) -> list[tuple[float, float]]:
    async with WeChatHttp.open(url) as http, aiohttp.ClientSession() as session:
        client = WeChatClient(APPID, http, _Tokens())

        async def ours() -> None:
            await client.send(OPENID, reply.Text(TEXT))

        async def bare() -> None:
            payload = {"touser": OPENID, "msgtype": "text", "text": {"content": TEXT}}
            data, params = json.dumps(payload, ensure_ascii=False).encode(), {"access_token": TOKEN}
            async with session.post(url + PATH, params=params, data=data, headers=HEADERS) as answer:
                await answer.json()

        await _cpu_us(ours)
        await _cpu_us(bare)
        return [(await _cpu_us(ours), await _cpu_us(bare)) for _ in range(ROUNDS)]


async def _cpu_us(call: Callable[[], Awaitable[None]]) -> float:
    left = iter(range(CALLS))

    async def caller() -> None:
        for _ in left:
            await call()

    before = time.thread_time()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CALLERS):
            tasks.create_task(caller())
    return (time.thread_time() - before) / CALLS * 1e6
