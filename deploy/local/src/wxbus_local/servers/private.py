"""A server program as a child process with data, log and configuration in one folder, on 127.0.0.1 only."""

import contextlib
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import psutil

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import end, is_alive, wait_ended
from wxbus_local.servers.server import LAST_LINES, START_TIMEOUT, wait_ready

STOP_GRACE: Final = 15.0


class PrivateServer(ABC):
    """A `Server` that runs as a child process."""

    name: ClassVar[str]

    def __init__(self, run: Run, folder: Path, executable: str) -> None:
        self.folder = folder
        self.executable = executable
        self._run = run
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Return the address."""

    @property
    def management_url(self) -> str | None:
        """Return None: only RabbitMQ has a management API."""
        return None

    @property
    def description(self) -> str:
        """Return a text that names the program."""
        return f"private instance of {self.executable}"

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command that runs the server in the foreground, after writing its configuration files."""

    def environment(self) -> Mapping[str, str]:
        """Return variables to add to the environment."""
        return {}

    @abstractmethod
    def probe(self) -> str | None:
        """Return None if the server answers, else the reason."""

    def start(self) -> None:
        """Start it and return when it answers."""
        self._process = self.spawn(self.command(), self.environment())
        try:
            self.wait_ready(self.probe, self._process, timeout=START_TIMEOUT, name=self.name)
        except BaseException:  # also Ctrl-C
            self.discard()
            raise

    def kill(self) -> None:
        """Send SIGKILL to the process tree."""
        tree = self._tree()
        _signal(tree, signal.SIGKILL)
        self._reap()
        wait_ended(tree)

    def freeze(self) -> None:
        """Send SIGSTOP to the process tree."""
        _signal(self._tree(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Send SIGCONT to the process tree."""
        _signal(self._tree(), signal.SIGCONT)

    def stop(self) -> None:
        """Send SIGTERM to the first process, which stops the others, then SIGKILL to the rest of the tree."""
        tree = self._tree()
        self.thaw()
        end(tree[:1], grace=STOP_GRACE)
        end([process for process in tree[1:] if is_alive(process)], grace=0)
        self._reap()

    def discard(self) -> None:
        """End it at once."""
        self.kill()

    def alive(self) -> bool:
        """Return whether its first process runs."""
        return self._process is not None and self._process.poll() is None

    def spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start a process of this run in its own session; its output is appended to the log."""
        self.folder.mkdir(parents=True, exist_ok=True)
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

    def wait_ready(
        self, probe: Callable[[], str | None], process: "subprocess.Popen[bytes]", *, timeout: float, name: str
    ) -> None:
        """Return when `probe` returns None; an error ends with the last lines of the log."""
        try:
            wait_ready(probe, alive=lambda: process.poll() is None, timeout=timeout, name=name)
        except StartFailed as exc:
            lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise StartFailed("\n  ".join([str(exc), *lines[-LAST_LINES:]])) from exc

    def _tree(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
