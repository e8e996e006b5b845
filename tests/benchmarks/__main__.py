"""Measures, prints a table, writes `build/bench.json`; RabbitMQ and Redis are found as for the tests."""

import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeAlias

import typer
import uvloop
from rich.console import Console

from tests.benchmarks import (
    bench_api,
    bench_broadcast,
    bench_e2e,
    bench_flatness,
    bench_flood,
    bench_gateway,
    bench_idle,
    bench_ingress,
    bench_scale,
    bench_sockets,
    bench_token,
    bench_worker,
    results,
)
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from wxbus.config.settings import LogSettings
from wxbus.errors import WxbusError
from wxbus.runtime import logs
from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import Launcher, open_servers

Benchmark: TypeAlias = Callable[[Places], Coroutine[None, None, list[Result]]]

BENCHMARKS: dict[str, Benchmark] = {
    "api": bench_api.measure,
    "ingress": bench_ingress.measure,
    "worker": bench_worker.measure,
    "broadcast": bench_broadcast.measure,
    "e2e": bench_e2e.measure,
    "flood": bench_flood.measure,
    "gateway": bench_gateway.measure,
    "sockets": bench_sockets.measure,
    "scale": bench_scale.measure,
    "flatness": bench_flatness.measure,
    "token": bench_token.measure,
    "idle": bench_idle.measure,
}
REPORT = Path("build/bench.json")


def main(
    only: Annotated[list[str] | None, typer.Argument(help=f"which of {', '.join(BENCHMARKS)}; all by default")] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Also a backlog of 200,000 messages, a million users, and 20,000 connections: half an hour."
        ),
    ] = False,
) -> None:
    """Measure and report."""
    console = Console(stderr=True)
    logs.configure(LogSettings(log_level="warning", log_format="console"), service="benchmarks")
    chosen = only or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    found: list[Result] = []
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="wxbus-")))
            launcher = Launcher(stack.enter_context(Run.open()), console.print)
            servers = stack.enter_context(open_servers(launcher, data=folder))
        except WxbusError as exc:
            sys.exit(str(exc))
        for name in chosen:
            with console.status(f"measuring {name} ..."):
                places = Places(launcher.run, folder, servers.amqp_url, servers.redis_url, full=full)
                started = time.monotonic()
                found += uvloop.run(_measured(BENCHMARKS[name], places))
            console.print(f"{name}: {time.monotonic() - started:.0f} s")
    results.show(found)
    results.write(found, REPORT)
    console.print(f"written to {REPORT}")


async def _measured(benchmark: Benchmark, places: Places) -> list[Result]:
    async with places.background() as own:
        return await benchmark(own)


if __name__ == "__main__":
    typer.run(main)
