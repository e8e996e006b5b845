"""CPU of one accepted callback (secure mode, XML, confirmed publish) beside the peers' views and a bare server."""

import statistics
from contextlib import AsyncExitStack

from tests.benchmarks.arms import alternating, our_stack
from tests.benchmarks.callbacks import callbacks
from tests.benchmarks.load import Outcome, apply, apply_at
from tests.benchmarks.peer_arms import celery_stack, faststream_stack
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from wxbus_local.servers.ports import free_port

ROUNDS, CALLBACKS, CONNECTIONS = 8, 2_000, 32
HALF_LOADS, HALF_LOAD_SECONDS = 8, 2.0
HOSTILE, HOSTILE_ROUNDS = 16, 3
"""Connections of an attacker, and how often callbacks are sent beside them."""
CALM_RATE, CALM_CONNECTIONS = 50.0, 8
"""Callbacks a second that WeChat sends meanwhile."""

Side = tuple[Service, int]
"""A server and its port."""


async def measure(places: Places) -> list[Result]:
    """Return rates and CPU of ingress and of the others, their rounds interleaved in one run."""
    bare_port = free_port()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        arms = [
            await enter(our_stack(places, web=True)),
            await enter(faststream_stack(await enter(places.background()), web=True)),
            await enter(celery_stack(await enter(places.background()), web=True)),
        ]
        bare = await enter(places.serving("tests.benchmarks.peers.bare", str(bare_port), port=bare_port))
        sides = [*((arm.web, arm.web_port) for arm in arms), (bare, bare_port)]
        await alternating(sides, 0, _round)  # opens connections and warms caches
        rounds = [await alternating(sides, number, _round) for number in range(ROUNDS)]
        outcomes, cpu = zip(*(one[0] for one in rounds), strict=True)
        port = arms[0].web_port
        half = statistics.median(outcome.rate for outcome in outcomes) / 2
        [payload] = callbacks(1)
        calls = [payload] * round(half * HALF_LOAD_SECONDS)
        calm = [await apply_at(port, calls, rate=half, connections=2 * CONNECTIONS) for _ in range(HALF_LOADS)]
        attacker = ("tests.benchmarks.peers.hostile", str(port), str(HOSTILE))
        calls = [payload] * round(CALM_RATE * HALF_LOAD_SECONDS)
        async with places.serving(*attacker):
            attacked = [
                await apply_at(port, calls, rate=CALM_RATE, connections=CALM_CONNECTIONS) for _ in range(HOSTILE_ROUNDS)
            ]
        if wrong := sum(outcome.wrong for outcome in attacked):
            raise RuntimeError(f"{wrong} callbacks were refused beside an attacker")
    spooled = await _spooled(places)

    def ratios(other: int) -> list[float]:
        return [one[0][1] / one[other][1] for one in rounds]

    return [
        Result.of("ingress/callbacks-per-s", "1/s", [outcome.rate for outcome in outcomes]),
        Result.of("ingress/cpu-us", "us/callback", cpu),
        Result.of("ingress/bare-cpu-us", "us/callback", [one[3][1] for one in rounds]),
        Result.of("ingress/fastapi-cpu-us", "us/callback", [one[1][1] for one in rounds]),
        Result.of("ingress/flask-cpu-us", "us/callback", [one[2][1] for one in rounds]),
        Result.of("ingress/cpu-vs-bare", "ratio", ratios(3)),
        Result.of("ingress/cpu-vs-fastapi", "ratio", ratios(1)),
        Result.of("ingress/cpu-vs-flask", "ratio", ratios(2)),
        Result.of("ingress/p99-ms", "ms", [outcome.percentile(0.99) * 1000 for outcome in outcomes]),
        Result.of("ingress/p99-ms-half-load", "ms", [outcome.percentile(0.99) * 1000 for outcome in calm]),
        Result.of("ingress/hostile-p99-ms", "ms", [outcome.percentile(0.99) * 1000 for outcome in attacked]),
        Result.of("ingress/spool-rate", "1/s", [outcome.rate for outcome in spooled]),
    ]


async def _spooled(places: Places) -> list[Outcome]:
    """Return rounds of an ingress without RabbitMQ."""
    nowhere = {"WXBUS_AMQP_URL": f"amqp://127.0.0.1:{free_port()}/", "WXBUS_INGRESS_SPOOL_DISK_FLOOR": "0"}
    async with places.background() as own, our_stack(own, web=True, view_env=nowhere) as arm:
        return [(await _round((arm.web, arm.web_port), number))[0] for number in range(ROUNDS + 1)][1:]


async def _round(side: Side, _number: int) -> tuple[Outcome, float]:
    server, port = side
    payloads = callbacks(CALLBACKS)
    before = server.cpu_seconds()
    outcome = await apply(port, payloads, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {CALLBACKS} callbacks were refused")
    return outcome, (server.cpu_seconds() - before) / CALLBACKS * 1e6
