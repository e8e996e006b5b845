"""A server program as a process of our own: started, and for tests killed and frozen, without touching any other."""

import contextlib
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import end, is_alive, wait_ended

START_TIMEOUT = 60.0
STOP_GRACE = 15.0
POLL = 0.1
LAST_LINES = 12


class Server(Protocol):
    """RabbitMQ or Redis of our own. Calls block: from a coroutine use `asyncio.to_thread`."""

    @property
    def url(self) -> str:
        """Return where it is; stays the same when it is killed and started again."""
        ...

    @property
    def management_url(self) -> str | None:
        """Return where RabbitMQ's management API is, for the user and password of `url`; None: there is none."""
        ...

    @property
    def description(self) -> str:
        """Return what it is, for a person."""
        ...

    def alive(self) -> bool:
        """Whether it runs, frozen or not."""
        ...

    def start(self) -> None:
        """Start it, again too, with the data it had; return when it answers.

        Raises:
            StartFailed: It ended, or did not answer in time.
        """
        ...

    def kill(self) -> None:
        """End it as a crash does (SIGKILL)."""
        ...

    def freeze(self) -> None:
        """Let it run no instruction more (SIGSTOP): connections stay open, nothing answers."""
        ...

    def thaw(self) -> None:
        """Let a frozen one go on."""
        ...

    def stop(self) -> None:
        """End it in good order, so that it can be started again; it may have been killed or frozen before."""
        ...

    def discard(self) -> None:
        """End it at once, in whatever state it is; a container goes with its data, a program's stays in its folder."""
        ...


def wait_ready(probe: Callable[[], str | None], *, alive: Callable[[], bool], timeout: float, what: str) -> None:
    """Return when `probe` finds no fault.

    Raises:
        StartFailed: It is not alive any more, or `timeout` seconds have passed.
    """
    deadline = time.monotonic() + timeout
    while (fault := probe()) is not None:
        if not alive():
            raise StartFailed(f"{what} ended while starting")
        if time.monotonic() > deadline:
            raise StartFailed(f"{what} was not ready in {timeout:.0f} s: {fault}")
        time.sleep(POLL)


class PrivateServer(ABC):
    """A server program with its data, log and configuration in one folder, listening on 127.0.0.1 only."""

    name: str

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Return its address."""

    @property
    def management_url(self) -> str | None:
        """Return None: only RabbitMQ has it."""
        return None

    @property
    @abstractmethod
    def program(self) -> str:
        """Return the program's path."""

    @property
    def description(self) -> str:
        """Return what runs, for a person."""
        return f"private instance of {self.program}"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command that runs it in the foreground, its files written."""

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """Return the variables it needs."""

    @abstractmethod
    def probe(self) -> str | None:
        """Return None if it answers, else why not."""

    def start(self) -> None:
        """Start it and return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = self.spawn(self.command(), self.environment())
        try:
            wait_ready(self.probe, alive=self.alive, timeout=START_TIMEOUT, what=self.name)
        except BaseException as exc:  # Ctrl-C too
            self.discard()
            if isinstance(exc, StartFailed):
                raise StartFailed(f"{exc}\n{self.last_words()}") from exc
            raise

    def kill(self) -> None:
        """SIGKILL to the whole tree of processes."""
        tree = self._tree()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._reap(tree)

    def freeze(self) -> None:
        """SIGSTOP to the whole tree of processes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to the whole tree of processes."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to what is left of the tree."""
        tree = self._tree()
        if tree:
            self.thaw()
            end(tree[:1], grace=STOP_GRACE)  # the first of them ends the others in its own order
            end([process for process in tree[1:] if is_alive(process)], grace=0)
        self._reap(tree)

    def discard(self) -> None:
        """SIGKILL to all of it."""
        self.kill()

    def spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a process of this run in a session of its own; what it says goes to the log."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._run.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def last_words(self) -> str:
        """Return the end of its log."""
        with contextlib.suppress(OSError):
            lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
        return ""

    def alive(self) -> bool:
        """Whether its first process runs."""
        return self._process is not None and self._process.poll() is None

    def _tree(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, number: signal.Signals) -> None:
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _reap(self, tree: Sequence[psutil.Process]) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
        wait_ended(tree)
