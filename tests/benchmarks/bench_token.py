"""Token calls over HTTP beside the least an aiohttp server can do, over RabbitMQ, and from the client's cache."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

from tests.benchmarks.arms import alternating, stand_in
from tests.benchmarks.load import Outcome, apply, apply_at
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.benchmarks.token_service import CONNECTIONS, token_service
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus.rpc.transports.amqp_client import AmqpTransport
from wxbus.rpc.transports.port import Outgoing
from wxbus.tokens import TokenClient
from wxbus_local.servers.ports import free_port

APPID = "wxbench0000000000"
ROUNDS, CALLS = 13, 4_000
HALF_LOADS, HALF_LOAD_SECONDS = 8, 1.0
AMQP_CALLS, IN_FLIGHT = 3_000, 64
CACHED_CALLS = 50_000


async def measure(places: Places) -> list[Result]:
    """Return rates and CPU of `get` from memory by each way there is."""
    bare_port = free_port()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        url, _ = await enter(stand_in(places))
        token = await enter(token_service(places, url, [APPID]))
        bare = await enter(places.serving("tests.benchmarks.peers.bare", str(bare_port), port=bare_port))
        call = token.call(APPID)

        async def one(side: tuple[Service, int], _number: int) -> tuple[Outcome, float]:
            return await _round(*side, call)

        sides = (token.service, token.port), (bare, bare_port)
        await alternating(sides, 0, one)
        rounds = [await alternating(sides, number, one) for number in range(ROUNDS)]
        rate = max(ours.rate for (ours, _), _ in rounds)
        calls = [call] * round(rate / 2 * HALF_LOAD_SECONDS)
        halves = [await apply_at(token.port, calls, rate=rate / 2, connections=CONNECTIONS) for _ in range(HALF_LOADS)]
        amqp = await enter(
            AmqpTransport.open(places.amqp_url, token.key, topology=Topology(places.namespace), name="bench")
        )
        await _amqp_rate(amqp)
        amqp_rates = [await _amqp_rate(amqp) for _ in range(ROUNDS)]
        tokens = await enter(TokenClient.open(f"http://127.0.0.1:{token.port}", token.key))
        cached = [await _cached_us(tokens) for _ in range(ROUNDS)]
    return [
        Result.of("token/http-calls-per-s", "1/s", [ours.rate for (ours, _), _ in rounds]),
        Result.of("token/http-half-load-p99-ms", "ms", [outcome.percentile(0.99) * 1000 for outcome in halves]),
        Result.of("token/cpu-us", "us/call", [cpu for (_, cpu), _ in rounds]),
        Result.of("token/bare-cpu-us", "us/call", [cpu for _, (_, cpu) in rounds]),
        Result.of("token/http-vs-bare", "ratio", [mine / theirs for (_, mine), (_, theirs) in rounds]),
        Result.of("token/amqp-rate", "1/s", amqp_rates),
        Result.of("token/cached-us", "us/call", cached),
    ]


async def _amqp_rate(transport: AmqpTransport) -> float:
    remaining = iter(range(AMQP_CALLS))
    call = Outgoing("token", "get", "application/json", json.dumps({"appid": APPID}).encode())

    async def caller() -> None:
        for _ in remaining:
            answer = await transport.send(call, timeout=30.0)
            if answer.status != 200:
                raise RuntimeError(f"a call was refused with {answer.status}")

    began = time.perf_counter()
    async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(caller())
    return AMQP_CALLS / (time.perf_counter() - began)


async def _cached_us(tokens: TokenClient) -> float:
    await tokens.get(APPID)
    began = time.perf_counter()
    for _ in range(CACHED_CALLS):
        await tokens.get(APPID)
    return (time.perf_counter() - began) / CACHED_CALLS * 1e6


async def _round(server: Service, port: int, call: bytes) -> tuple[Outcome, float]:
    before = server.cpu_seconds()
    outcome = await apply(port, [call] * CALLS, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {CALLS} calls were refused")
    return outcome, (server.cpu_seconds() - before) / CALLS * 1e6
