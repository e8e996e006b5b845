"""`python -m wxbus_local run` as a child process, observed by its output and its processes."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from wxbus_local.processes.tree import RUN_ID, end, is_alive, wait_ended

SANDBOX_URL = re.compile(r"every callback and call:\s+(http://\S+)")
END_TIMEOUT = 60.0


class RunCommand:
    """A running `run` command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._output: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._seen: set[psutil.Process] = set()

    @property
    def output(self) -> str:
        """All output so far."""
        return "".join(self._output)

    def wait_for(self, pattern: str, *, start: int = 0) -> re.Match[str]:
        """Return the first match in the output from `start` on, once there is one."""
        with self._changed:
            while (match := re.compile(pattern, re.MULTILINE).search(self.output, start)) is None:
                assert self._reader.is_alive(), f"ended without {pattern!r}:\n{self.output}"
                self._changed.wait(0.5)
            return match

    def wait_ready(self) -> str:
        """Return the sandbox's address once all services are ready."""
        url = self.wait_for(SANDBOX_URL.pattern)[1]
        self.see_processes()
        return url

    def see_processes(self) -> None:
        """Remember the processes that run now: `remaining` is about them."""
        self._seen |= set(self.processes())

    def processes(self) -> list[psutil.Process]:
        """Return all processes below the command: the guard, services, servers and their children."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def with_command(self, words: str) -> list[psutil.Process]:
        """Return the processes that have these words in their command line."""
        found = []
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # RabbitMQ has short-lived children
                if words in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def run_id(self) -> str:
        """Return the id that its processes carry."""
        [ingress] = self.with_command("-m wxbus_ingress")
        return ingress.environ()[RUN_ID]

    def remaining(self) -> list[psutil.Process]:
        """Return the processes that do not end."""
        return wait_ended(list(self._seen), timeout=END_TIMEOUT)

    def wait(self) -> int:
        """Return the exit code."""
        code = self.process.wait(END_TIMEOUT)
        self._reader.join()
        return code

    def close(self) -> None:
        """End the command and all its processes."""
        with suppress(psutil.NoSuchProcess):
            self._seen |= set(self.processes())
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_TIMEOUT)
        self.process.kill()
        end([process for process in self._seen if is_alive(process)], grace=0)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._changed:
                self._output.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def environment(**variables: str | None) -> dict[str, str]:
    """Return our environment with these as its only wxbus settings; None leaves a setting out."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WXBUS_")}
    given = {name: value for name, value in variables.items() if value is not None}
    return inherited | {"COLUMNS": "300", "NO_COLOR": "1"} | given


@contextmanager
def running(settings: Mapping[str, str], *, cwd: Path) -> Iterator[RunCommand]:
    """Run the command in its own session, as a terminal does; end all its processes after the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "wxbus_local", "run"],
        env=environment(**settings),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        command = RunCommand(process)
        try:
            yield command
        finally:
            command.close()


def send(sandbox_url: str, *arguments: str) -> str:
    """Run `wxbus_sandbox send` and return its output."""
    command = [sys.executable, "-m", "wxbus_sandbox", "send", *arguments, "--url", sandbox_url]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
