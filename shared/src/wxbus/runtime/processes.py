"""Several processes of one service: each is started again when it ends, all stop together, none is left behind.

A library for it would have to hand on a listening socket, stop with grace and end with the parent; those that are well
kept are servers of their own (gunicorn), or stop everything when one process ends (honcho).
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.aio.waiting import wait_any
from wxbus.errors import ConfigurationError
from wxbus.runtime.signals import stop_signal

MISCONFIGURED: Final = 2
"""Exit code of a process that cannot start with these settings: starting it again would not help."""
HEALTHY: Final = 30.0
"""Seconds that a process must have run for its end to be the first one again."""

log = structlog.stdlib.get_logger(__name__)


async def supervise(works: Sequence[Callable[[], None]], *, grace: float) -> None:
    """Run each of `works` in a process of its own until SIGTERM or SIGINT; a second signal kills all of them.

    SIGHUP is handed on to all of them.

    Args:
        works: What the processes do; they stop by SIGTERM, which they also get when we have ended, however that was.
            Each can be pickled.
        grace: Seconds after SIGTERM in which a process has to end by itself.

    Raises:
        ConfigurationError: A process cannot start with these settings; all others are stopped.
    """
    children = [Child(work, number=number, grace=grace) for number, work in enumerate(works)]

    def kill() -> None:
        for child in children:
            child.kill()

    def hang_up() -> None:
        for child in children:
            child.hang_up()

    stopping = stop_signal(at_once=kill)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
    try:
        reasons = await asyncio.gather(*(_keep(child, stopping) for child in children))
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        kill()
    for reason in filter(None, reasons):
        raise ConfigurationError(reason)  # once: the others say the same


async def _keep(child: "Child", stopping: asyncio.Event) -> str | None:
    """Start it again whenever it ends, until `stopping`; return why it cannot start, if so."""
    backoff = Backoff(first=0.2, longest=10.0)
    while not stopping.is_set():
        child.start()
        began = time.monotonic()
        try:
            await wait_any(stopping, child.ended)
        finally:
            await child.stop()
        if reason := child.misconfigured():
            stopping.set()
            return reason
        if not stopping.is_set():
            if time.monotonic() - began > HEALTHY:
                backoff.reset()
            delay = backoff.delay()
            log.error("process.ended", process=child.number, code=child.code, again_in=round(delay, 3))
            await wait_any(stopping, within=delay)
    return None


class Child:
    """One process, which may be started again after its end."""

    def __init__(self, work: Callable[[], None], *, number: int, grace: float) -> None:
        """`grace` is in seconds, between SIGTERM and SIGKILL."""
        self.number = number
        self.ended = asyncio.Event()
        self._work = work
        self._grace = grace
        self._process: SpawnProcess | None = None
        self._reason: Connection | None = None

    @property
    def code(self) -> int | None:
        """Return the exit code, negative for a signal, or None if it runs or was never started."""
        return None if self._process is None else self._process.exitcode

    def start(self) -> None:
        """Start it."""
        spawn = multiprocessing.get_context("spawn")
        self._reason, told = spawn.Pipe(duplex=False)
        self._process = process = spawn.Process(target=_be, args=(self._work, told, self._grace))
        process.start()
        told.close()
        self.ended.clear()
        loop = asyncio.get_running_loop()
        watched = os.dup(process.sentinel)  # others may watch the same one

        def note() -> None:
            loop.remove_reader(watched)
            os.close(watched)
            process.join()
            self.ended.set()

        loop.add_reader(watched, note)

    async def stop(self) -> None:
        """Ask it to end, and kill it if it has not in time."""
        if self._process is None or self.ended.is_set():
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(self._grace):
                await self.ended.wait()
        except TimeoutError:
            log.warning("process.killed", process=self.number, after=self._grace)
            self.kill()
            await self.ended.wait()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and not self.ended.is_set():
            self._process.kill()

    def hang_up(self) -> None:
        """Send it SIGHUP, if it runs."""
        if self._process is not None and self._process.pid is not None and not self.ended.is_set():
            os.kill(self._process.pid, signal.SIGHUP)

    def misconfigured(self) -> str | None:
        """Return what is wrong with the settings, if it ended for that reason."""
        if self._reason is None or self.code != MISCONFIGURED:
            return None
        try:
            return str(self._reason.recv())
        except EOFError:  # another exit with the same code
            return None


def port_for_process(port: int, number: int) -> int:
    """Return the port of process `number`: each has its own, from `port` on; 0 is a free one.

    Raises:
        ConfigurationError: There are not so many ports.
    """
    if port and port + number > 65535:
        raise ConfigurationError(f"there is no port {port} + {number} for process {number}")
    return port and port + number


def _be(work: Callable[[], None], told: Connection, grace: float) -> None:
    """Be one of the processes."""
    os.setsid()  # Ctrl-C is for the parent, which stops us in good order
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the service wants it
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - we were started by one
    threading.Thread(target=_follow, args=(parent.sentinel, grace), daemon=True).start()
    try:
        work()
    except ConfigurationError as exc:
        told.send(str(exc))
        sys.exit(MISCONFIGURED)


def _follow(parent: int, grace: float) -> None:
    """End with the parent. In a thread: the loop may be busy, or may not run yet."""
    wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)
