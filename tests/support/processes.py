"""Services as processes: started, killed, frozen and stopped; their output is kept.

Each carries the mark of a `Run`, whose guard ends whatever an aborted session leaves behind, frozen ones too.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from wxbus_local.processes.run import Run

ROOT = Path(__file__).parents[2]
"""The checkout. All services run from it, so that modules below `tests` can be imported."""
START_LIMIT = 90.0
"""Seconds until a service is ready, also on a busy machine."""
STOP_LIMIT = 30.0
"""Seconds between SIGTERM and the exit."""
POLL = 0.05
LAST_LINES = 25


class Service:
    """One `python ARGUMENTS`. It can be started again after its exit, with the same port and log."""

    def __init__(
        self,
        run: Run,
        name: str,
        arguments: Sequence[str],
        *,
        port: int | None,
        folder: Path,
        env: Mapping[str, str] | None = None,
        ready: str | None = None,
    ) -> None:
        """Describe it; `start` starts it.

        Args:
            run: Guards it.
            name: For people, and of its log.
            arguments: What Python is to run.
            port: Where it listens once it is there; None: it listens nowhere, and is there once it runs.
            folder: Where its log goes.
            env: Variables besides our own.
            ready: An address that answers 200 once it is ready; None: it is when it listens.
        """
        self.name = name
        self.port = port
        self.ready = ready
        self._arguments = tuple(arguments)
        self._env = run.environment(**(env or {}))
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            RuntimeError: It runs already; or it ended, or was not ready in time: the text has its last words.
        """
        if self.running:
            raise RuntimeError(f"{self.name} runs already")
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only pytest, which stops the service
            )
        fault: str | None = "not looked at yet"
        try:
            async with asyncio.timeout(START_LIMIT):
                while (fault := await self._fault()) is not None:
                    if self._process.returncode is not None:
                        raise RuntimeError(
                            f"{self.name} ended with {self._process.returncode} while starting\n{self.last_words()}"
                        )
                    await asyncio.sleep(POLL)
        except TimeoutError as exc:
            raise RuntimeError(f"{self.name} was not ready in time: {fault}\n{self.last_words()}") from exc

    async def kill(self) -> None:
        """Kill the process (SIGKILL), frozen or not."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """Stop the process (SIGSTOP): its connections stay open and do not answer."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue a frozen process."""
        self._running.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code; raises TimeoutError if the process does not exit."""
        self._running.terminate()
        return await self.wait(STOP_LIMIT)

    async def stop_at_once(self, stopping: str) -> int:
        """Send a second SIGTERM once the log contains `stopping`, and return the exit code."""
        before = self.said().count(stopping)
        self._running.terminate()
        async with asyncio.timeout(STOP_LIMIT):
            while True:
                await asyncio.sleep(POLL)
                if self.said().count(stopping) > before:
                    break
        self._running.terminate()
        return await self.wait(STOP_LIMIT)

    async def ended(self) -> int:
        """Return the exit code once the process has exited."""
        return await self._running.wait()

    async def wait(self, timeout: float) -> int:
        """Return the exit code once the process has exited by itself; raises TimeoutError if it does not."""
        async with asyncio.timeout(timeout):
            return await self.ended()

    async def end(self) -> None:
        """Stop the process, and kill it if it does not stop."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            self.thaw()
            await self.stop()
        await self.kill()

    @property
    def pid(self) -> int:
        """Return the process id, also after the exit."""
        return self._running.pid

    @property
    def running(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.returncode is None

    def said(self) -> str:
        """Return the whole output, including that of earlier starts."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    async def until_said(self, words: str, *, times: int) -> None:
        """Return once the output contains `words` `times` times; raises TimeoutError otherwise."""
        async with asyncio.timeout(START_LIMIT):
            while self.said().count(words) < times:  # noqa: ASYNC110 - a file cannot be awaited
                await asyncio.sleep(POLL)

    def last_words(self) -> str:
        """Return the name of the service and the last lines of its output."""
        state = "was not started" if self._process is None else f"exit code {self._process.returncode}"
        return "\n".join([f"--- {self.name} ({state}) ---", *self.said().splitlines()[-LAST_LINES:]])

    def cpu_seconds(self) -> float:
        """Return user and system time of the process and its running children, in seconds."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(one.user + one.system for one in times))

    def processes(self) -> list[psutil.Process]:
        """Return the running child processes (`--processes N`)."""
        children = psutil.Process(self._running.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def memory_mib(self) -> float:
        """Return the resident memory of the process and its children, in MiB."""
        return float(sum(process.memory_info().rss for process in self._family())) / 2**20

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self._running.pid)
        return [process, *process.children(recursive=True)]

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    async def _fault(self) -> str | None:
        if self.port is not None and not await _listens(self.port):
            return f"nobody listens on port {self.port}"
        if self.ready is None:
            return None
        try:
            async with aiohttp.request("GET", self.ready, timeout=aiohttp.ClientTimeout(total=5)) as answer:
                return None if answer.status == 200 else f"{self.ready} says {answer.status}: {await answer.text()}"
        except (aiohttp.ClientError, OSError) as exc:
            return f"{self.ready}: {exc!r}"


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Service]:
    """Run a service for the block; errors of the block contain the last lines of the service."""
    try:
        await service.start()
        yield service
    except Exception as exc:
        exc.add_note(service.last_words())
        raise
    finally:
        await service.end()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
