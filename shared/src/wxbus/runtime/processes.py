"""Runs several processes of one service: restarts each one that ends, stops all together, leaves none behind.

Libraries do not fit: children need the parent's listening socket, time to stop, and must end with the parent. gunicorn
is a web server itself; honcho stops everything when one process ends.
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
"""Exit code of a process with invalid settings: a restart does not help."""
HEALTHY: Final = 30.0
"""Seconds of running after which the backoff starts over."""

log = structlog.stdlib.get_logger(__name__)


async def supervise(works: Sequence[Callable[[], None]], *, grace: float) -> None:
    """Run each of `works` in its own process until SIGTERM or SIGINT; a second signal kills all of them.

    All of them receive SIGHUP.

    Args:
        works: Functions to run, which can be pickled. They stop on SIGTERM, which they also receive when this process
            ends in any way.
        grace: Seconds between SIGTERM and SIGKILL.

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
        reasons = await asyncio.gather(*(_keep_running(child, stopping) for child in children))
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        kill()
    for reason in filter(None, reasons):
        raise ConfigurationError(reason)  # the others have the same reason


async def _keep_running(child: "Child", stopping: asyncio.Event) -> str | None:
    """Restart the child whenever it ends, until `stopping`; return the reason if it cannot start."""
    backoff = Backoff(first=0.2, longest=10.0)
    while not stopping.is_set():
        child.start()
        started = time.monotonic()
        try:
            await wait_any(stopping, child.ended)
        finally:
            await child.stop()
        if reason := child.misconfigured():
            stopping.set()
            return reason
        if not stopping.is_set():
            if time.monotonic() - started > HEALTHY:
                backoff.reset()
            delay = backoff.delay()
            log.error("process.ended", process=child.number, code=child.code, restart_in=round(delay, 3))
            await wait_any(stopping, within=delay)
    return None


class Child:
    """One child process, which can be restarted."""

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
        """Return the exit code, negative for a signal; None while it runs or before its start."""
        return None if self._process is None else self._process.exitcode

    def start(self) -> None:
        """Start it."""
        spawn = multiprocessing.get_context("spawn")
        self._reason, sender = spawn.Pipe(duplex=False)
        self._process = process = spawn.Process(target=_run_child, args=(self._work, sender, self._grace))
        process.start()
        sender.close()
        self.ended.clear()
        loop = asyncio.get_running_loop()
        watched = os.dup(process.sentinel)  # each reader of the loop needs its own descriptor

        def on_exit() -> None:
            loop.remove_reader(watched)
            os.close(watched)
            process.join()
            self.ended.set()

        loop.add_reader(watched, on_exit)

    async def stop(self) -> None:
        """Send SIGTERM, and SIGKILL after the grace period."""
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
        """Send SIGKILL."""
        if self._process is not None and not self.ended.is_set():
            self._process.kill()

    def hang_up(self) -> None:
        """Send SIGHUP, if it runs."""
        if self._process is not None and self._process.pid is not None and not self.ended.is_set():
            os.kill(self._process.pid, signal.SIGHUP)

    def misconfigured(self) -> str | None:
        """Return the error of the settings, if it ended for that reason."""
        if self._reason is None or self.code != MISCONFIGURED:
            return None
        try:
            return str(self._reason.recv())
        except EOFError:  # another exit with the same code
            return None


def port_for_process(port: int, number: int) -> int:
    """Return the port of process `number`: `port + number`; 0 stays 0, a free port.

    Raises:
        ConfigurationError: The number is over 65535.
    """
    if port and port + number > 65535:
        raise ConfigurationError(f"port {port} + {number} of process {number} is over 65535")
    return port and port + number


def _run_child(work: Callable[[], None], sender: Connection, grace: float) -> None:
    """Main function of a child process."""
    os.setsid()  # Ctrl-C reaches only the parent, which stops the children
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the service handles it
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - spawned
    threading.Thread(target=_end_with_parent, args=(parent.sentinel, grace), daemon=True).start()
    try:
        work()
    except ConfigurationError as exc:
        sender.send(str(exc))
        sys.exit(MISCONFIGURED)


def _end_with_parent(parent: int, grace: float) -> None:
    """Stop this process when the parent ends. Runs in a thread: the loop may be blocked or not running yet."""
    wait([parent])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)
