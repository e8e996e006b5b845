"""Services as processes of their own: started, killed, frozen and stopped; what they say is kept.

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
"""The checkout, from which all of them run: modules below `tests` are found."""
START_LIMIT = 90.0
"""Seconds until a service is ready; many processes may want the machine at once."""
STOP_LIMIT = 30.0
"""Seconds between SIGTERM and the end."""
POLL = 0.05
LAST_LINES = 25


class Service:
    """One `python ARGUMENTS`; may be started again after its end, with the same port and the same log."""

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
                start_new_session=True,  # Ctrl-C is for us; we end it in good order
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
        """End it as a crash does (SIGKILL), frozen or not."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """Let it run no instruction more (SIGSTOP): its connections stay open, nothing answers."""
        self._running.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._running.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code; raises TimeoutError if it does not."""
        self._running.terminate()
        return await self.wait(STOP_LIMIT)

    async def stop_at_once(self, stopping: str) -> int:
        """Ask it a second time when it has said `stopping`, and return its exit code."""
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
        """Return its exit code once it has ended."""
        return await self._running.wait()

    async def wait(self, timeout: float) -> int:
        """Return its exit code once it has ended by itself; raises TimeoutError if it does not."""
        async with asyncio.timeout(timeout):
            return await self.ended()

    async def end(self) -> None:
        """End it in whatever state it is: gently, then not."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            self.thaw()
            await self.stop()
        await self.kill()

    @property
    def pid(self) -> int:
        """Return its process id, of its last life if it ended."""
        return self._running.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    def said(self) -> str:
        """Return all that it wrote to standard output and standard error, earlier lives included."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    async def until_said(self, words: str, *, times: int) -> None:
        """Return once it has written `words` so often; raises TimeoutError if it does not."""
        async with asyncio.timeout(START_LIMIT):
            while self.said().count(words) < times:  # noqa: ASYNC110 - a file cannot be awaited
                await asyncio.sleep(POLL)

    def last_words(self) -> str:
        """Return the end of what it said, headed by its name."""
        state = "was not started" if self._process is None else f"exit code {self._process.returncode}"
        return "\n".join([f"--- {self.name} ({state}) ---", *self.said().splitlines()[-LAST_LINES:]])

    def cpu_seconds(self) -> float:
        """Return user and system time so far, of it and of its children that run."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(one.user + one.system for one in times))

    def processes(self) -> list[psutil.Process]:
        """Return those of several (`--processes N`) that run just now."""
        children = psutil.Process(self._running.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def memory_mib(self) -> float:
        """Return resident memory, of it and of its children."""
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
    """Run a service while the block runs; what goes wrong in the block is raised with the service's last words."""
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
