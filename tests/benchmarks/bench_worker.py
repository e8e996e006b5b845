"""Messages a second and CPU of one message in one worker: context commit and customer-service reply included."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import aiohttp

from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.telemetry import new_traceparent
from wxbus_local.ports import free_port

APPID = "wxbench0000000000"
ROUNDS, MESSAGES, USERS = 3, 3_000, 500

ACCOUNTS = f"""
[accounts.bench]
appid = "{APPID}"
kind = "official_account"
"""


async def measure(places: Places) -> list[Result]:
    """Return the worker's rate and CPU over some rounds; the first, unmeasured, fills connections and caches."""
    (places.folder / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")
    wechat_port, admin_port = free_port(), free_port()
    wechat_url = f"http://127.0.0.1:{wechat_port}"
    env = {
        **places.environment(),
        "WXBUS_ACCOUNTS_FILE": str(places.folder / "accounts.toml"),
        "WXBUS_WECHAT_API_URL": wechat_url,
        "WXBUS_WORKER_APP": "tests.benchmarks.handlers:router",
        "WXBUS_WORKER_TOKEN_URL": wechat_url,
        "WXBUS_WORKER_TOKEN_API_KEY": "bench",
        "WXBUS_WORKER_ADMIN_PORT": str(admin_port),
    }
    topology = Topology(namespace=places.namespace)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(places.serving("tests.benchmarks.peers.wechat", str(wechat_port), port=wechat_port))
        outlet = await enter(Publisher.open(places.amqp_url, topology, name="bench"))
        http = await enter(aiohttp.ClientSession(wechat_url))
        worker = await enter(places.serving("wxbus_worker", port=admin_port, env=env))
        await _round(worker, outlet, http, 0)
        rounds = [await _round(worker, outlet, http, number + 1) for number in range(ROUNDS)]
        memory = worker.memory_mib()
    return [
        Result.of("worker/messages-per-s", "1/s", [rate for rate, _ in rounds]),
        Result.of("worker/cpu-us", "us/message", [cpu for _, cpu in rounds]),
        Result.of("worker/memory-mib", "MiB", [memory]),
    ]


async def _round(worker: Service, outlet: Publisher, http: aiohttp.ClientSession, number: int) -> tuple[float, float]:
    before, started = worker.cpu_seconds(), time.perf_counter()
    envelopes = iter([_envelope(f"{number}-{index}", f"o{index % USERS}") for index in range(MESSAGES)])

    async def publish() -> None:
        for envelope in envelopes:
            await outlet.publish(envelope, budget=30)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(publish())
    async with http.get(f"/sent/{MESSAGES * (number + 1)}") as answer:
        answer.raise_for_status()
    seconds = time.perf_counter() - started
    return MESSAGES / seconds, (worker.cpu_seconds() - before) / MESSAGES * 1e6


def _envelope(msg_id: str, openid: str) -> Envelope:
    document = {
        "ToUserName": "gh_bench",
        "FromUserName": openid,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": "你好, order 17",
        "MsgId": msg_id,
    }
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.CALLBACK,
        account="bench",
        appid=APPID,
        openid=openid,
        lane=f"{APPID}:{openid}",
        dedup_id=f"{APPID}:m:{openid}:{msg_id}",
        body=json.dumps(document, ensure_ascii=False).encode(),
        received_at=time.time(),
        traceparent=new_traceparent(),
    )
