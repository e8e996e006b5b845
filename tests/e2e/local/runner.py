"""`python -m wxbus_local run` as a child, watched by what it prints and by the processes it makes."""

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

from wxbus_local.processes.tree import RUN_ID, end, wait_ended

SANDBOX = re.compile(r"or look at (http://\S+)\. Ctrl-C")
ENDED = 60.0


class Runner:
    """A running `run` command."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.output: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._seen: set[psutil.Process] = set()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first place in the output, so far or to come, that matches."""
        with self._changed:
            while (match := re.search(pattern, "".join(self.output), re.MULTILINE)) is None:
                assert self._reader.is_alive(), f"ended without {pattern!r}:\n{''.join(self.output)}"
                self._changed.wait(0.5)
            return match

    def wait_ready(self) -> str:
        """The sandbox's address, once all parts are ready."""
        address = self.wait_for(SANDBOX.pattern)[1]
        self._seen |= set(self.family())
        return address

    def family(self) -> list[psutil.Process]:
        """All processes below the runner, its guard and what the services run included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def having(self, words: str) -> list[psutil.Process]:
        """The processes of the family that have these words in their command line."""
        found = []
        for process in self.family():
            with suppress(psutil.NoSuchProcess):  # RabbitMQ has children that live for moments only
                if words in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def named(self, words: str) -> psutil.Process:
        """The one process of the family that has these words in its command line."""
        [found] = self.having(words)
        return found

    def run_id(self) -> str:
        """The id that its processes carry."""
        return self.named("-m wxbus_ingress").environ()[RUN_ID]

    def left(self) -> list[psutil.Process]:
        """What is still there of the processes there were, after they had time to end."""
        return wait_ended(list(self._seen), timeout=ENDED)

    def wait(self) -> int:
        """Its exit code."""
        code = self.process.wait(ENDED)
        self._reader.join()
        return code

    def text(self) -> str:
        """All it has printed."""
        return "".join(self.output)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.output.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def environment(**variables: str | None) -> dict[str, str]:
    """Our environment without any setting of wxbus but those given; None leaves one out."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WXBUS_")}
    given = {name: value for name, value in variables.items() if value is not None}
    return inherited | {"COLUMNS": "300", "NO_COLOR": "1"} | given


@contextmanager
def running(settings: Mapping[str, str], *, cwd: Path) -> Iterator[Runner]:
    """The command, in a session of its own as a terminal would start it; nothing is left of it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", "wxbus_local", "run"],
        env=environment(**settings),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        runner = Runner(process)
        try:
            yield runner
        finally:
            with suppress(psutil.NoSuchProcess):
                runner._seen |= set(runner.family())
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDED)
            end([*runner._seen, *([psutil.Process(process.pid)] if process.poll() is None else [])], grace=0)


def send(sandbox: str, *words: str) -> str:
    """What the command that `run` prints says when somebody types it."""
    command = [sys.executable, "-m", "wxbus_sandbox", "send", *words, "--url", sandbox]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
