"""Several processes behind one port, for machines with more than one core.

They share the listening socket and nothing else: each has its own connection to RabbitMQ, its own spool and its own
admin port. One that ends is started again; none outlives the parent, however that ended.
"""

import asyncio
import multiprocessing
import os
import sys
from multiprocessing.context import SpawnProcess

import structlog
import typer
import uvloop

from wxbus import logs
from wxbus.bus.connection import Backoff
from wxbus.errors import ConfigurationError
from wxbus.settings import load
from wxbus_ingress.http import bound
from wxbus_ingress.server import GRACE, Place, cannot_listen, serve, stop_signal
from wxbus_ingress.settings import IngressSettings

MISCONFIGURED = 2
"""Exit code of a process that cannot start with these settings: starting it again would not help."""
STOP_GRACE = 5.0
"""Seconds beyond the grace of requests in flight after which a process is killed."""

log = structlog.stdlib.get_logger(__name__)


async def supervise(settings: IngressSettings, processes: int) -> None:
    """Run so many processes until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: The port is taken, or a process cannot start with these settings (it said why).
    """
    stopping = stop_signal()
    try:
        listener = bound(settings.host, settings.port)
    except OSError as exc:
        raise cannot_listen(settings, exc) from exc
    with listener:
        log.info("ingress.starting", processes=processes, port=listener.getsockname()[1])
        children = [_Child(Place(number, processes, listener)) for number in range(processes)]
        keeping = [asyncio.create_task(child.keep(stopping)) for child in children]
        await asyncio.wait([*keeping, stopped := asyncio.create_task(stopping.wait())], return_when="FIRST_COMPLETED")
        stopping.set()
    await stopped
    async with asyncio.TaskGroup() as group:
        for child in children:
            group.create_task(child.end(settings.limits.budget + GRACE + STOP_GRACE))
    for kept in keeping:
        await kept


class _Child:
    """One process, started again whenever it ends."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: SpawnProcess | None = None

    async def keep(self, stopping: asyncio.Event) -> None:
        """Return once stopped; raises ConfigurationError if there is no use in starting it again."""
        backoff = Backoff()
        while not stopping.is_set():
            process = multiprocessing.get_context("spawn").Process(
                target=_run, args=(self._place,), name=f"ingress {self._place.number}"
            )
            process.start()
            self._process = process
            await _ended(process)
            if process.exitcode == MISCONFIGURED:
                raise ConfigurationError(f"ingress process {self._place.number} cannot start, see above")
            if not stopping.is_set():
                delay = backoff.delay()
                log.error("ingress.ended", process=self._place.number, code=process.exitcode, again_in=round(delay, 3))
                try:
                    async with asyncio.timeout(delay):
                        await stopping.wait()
                except TimeoutError:
                    continue

    async def end(self, grace: float) -> None:
        """Ask the process to stop, and kill it if it has not after `grace` seconds."""
        process = self._process
        if process is None or process.exitcode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(grace):
                await _ended(process)
        except TimeoutError:
            log.warning("ingress.killed", process=self._place.number)
            process.kill()


async def _ended(process: SpawnProcess) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    watched = os.dup(process.sentinel)  # others may watch the same one
    loop.add_reader(watched, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)
    process.join()


def _run(place: Place) -> None:
    """Be one of the processes."""
    os.setsid()  # Ctrl-C is for the parent, which stops us in good order
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - we were started by one
    try:
        settings = load(IngressSettings)
        logs.configure(settings.log, service="ingress")
        structlog.contextvars.bind_contextvars(process=place.number)
        uvloop.run(serve(settings, place, parent=parent.sentinel))
    except ConfigurationError as exc:
        typer.echo(str(exc), err=True)
        sys.exit(MISCONFIGURED)
