"""The services as child processes: started together, watched, stopped together."""

import contextlib
import signal
import subprocess
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

import psutil
import requests

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import end
from wxbus_local.servers.launcher import Servers
from wxbus_local.stack.addresses import Addresses
from wxbus_local.stack.services import Service

READY_TIMEOUT: Final = 60.0
PROBE_TIMEOUT: Final = 3.0
POLL: Final = 0.1
STOP_GRACE: Final = 12.0
DRAIN_TIMEOUT: Final = 2.0
"""Seconds for the rest of an ended service's output; a child of the service may keep the pipe open."""
LAST_LINES: Final = 8
SANDBOX: Final = "sandbox"


class ServiceEnded(StartFailed):
    """A service ended without being stopped."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a service's output."""

    name: str
    text: str


class LastOutput:
    """The last lines of each service outside of its log, which say why it ended."""

    def __init__(self) -> None:
        self._lines: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_LINES))

    def add(self, line: Line) -> None:
        """Add a line; a log entry is left out, and removes the lines before it."""
        if line.text.startswith("{"):
            self._lines.pop(line.name, None)
        else:
            self._lines[line.name].append(line.text)

    def of(self, name: str) -> str:
        """Return the lines of a service, to be appended to a message."""
        return "".join(f"\n    {text}" for text in self._lines.get(name, ()))


class Stack:
    """The running services."""

    def __init__(self, run: Run, servers: Servers, addresses: Addresses, on_line: Callable[[Line], None]) -> None:
        """`on_line` gets every line of output, in a thread."""
        self.addresses = addresses
        self._run = run
        self._servers = servers
        self._on_line = on_line
        self._last_output = LastOutput()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._readers: dict[str, threading.Thread] = {}

    @classmethod
    @contextlib.contextmanager
    def running(
        cls,
        run: Run,
        servers: Servers,
        addresses: Addresses,
        services: Mapping[str, Service],
        environment: Mapping[str, str],
        *,
        on_line: Callable[[Line], None],
    ) -> Iterator["Stack"]:
        """Yield the stack with all services started; stop them after the block."""
        stack = cls(run, servers, addresses, on_line)
        try:
            for name, service in services.items():
                stack.start(name, service, environment)
            yield stack
        finally:
            stack.stop()

    def start(self, name: str, service: Service, environment: Mapping[str, str]) -> None:
        """Start a service."""
        process = self._processes[name] = subprocess.Popen(
            service.command,
            env={**environment, **service.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C must not reach it: `stop` stops it gracefully
        )
        reader = self._readers[name] = threading.Thread(target=self._read, args=(name, process.stdout), daemon=True)
        reader.start()

    def wait_ready(self, on_ready: Callable[[str, float], None]) -> None:
        """Return when all services are ready; `on_ready` gets each one's name and the seconds it took.

        Raises:
            ServiceEnded: A service or server ended.
            StartFailed: A service is not ready in time; the text says why.
        """
        began = time.monotonic()
        waiting = {name: self.addresses.probes[name] for name in self._processes}
        while waiting:
            for name, url in list(waiting.items()):
                reason = _probe(url)
                if reason is None:
                    on_ready(name, time.monotonic() - began)
                    del waiting[name]
                elif time.monotonic() - began > READY_TIMEOUT:
                    output = self._last_output.of(name)
                    raise StartFailed(f"{name} is not ready after {READY_TIMEOUT:.0f} s: {reason}{output}")
            self.check()
            if waiting:
                time.sleep(POLL)

    def watch(self, stopping: threading.Event) -> None:
        """Return when `stopping` is set; raise ServiceEnded when a service or server ends."""
        while not stopping.wait(POLL):
            self.check()

    def check(self) -> None:
        """Raise ServiceEnded unless all services, servers and the guard run."""
        for name, process in self._processes.items():
            if (code := process.poll()) is not None:
                self._readers[name].join(DRAIN_TIMEOUT)
                raise ServiceEnded(f"{name} {_describe(code)}{self._last_output.of(name)}")
        if self._run.guard.poll() is not None:
            raise ServiceEnded("the guard process has ended; without it a crash would leave processes behind")
        for server in self._servers.started:
            if not server.alive():
                raise ServiceEnded(f"{server.description} has ended")

    def stop(self) -> None:
        """Stop all services: SIGTERM, SIGKILL after a grace period. The guard ends what they leave behind.

        The sandbox stops last: the others call it, and send it their telemetry, until they end.
        """
        running = {name: process for name, process in self._processes.items() if process.poll() is None}
        callers = [process for name, process in running.items() if name != SANDBOX]
        for processes in (callers, [running[SANDBOX]] if SANDBOX in running else []):
            end([psutil.Process(process.pid) for process in processes], grace=STOP_GRACE)
            for process in processes:
                process.wait()
        for reader in self._readers.values():
            reader.join(DRAIN_TIMEOUT)

    def _read(self, name: str, output: IO[str]) -> None:
        with output:
            for text in output:
                line = Line(name, text.rstrip("\n"))
                self._last_output.add(line)
                self._on_line(line)


def _probe(url: str) -> str | None:
    """Return None if the address answers 200, else the reason."""
    try:
        response = requests.get(url, timeout=PROBE_TIMEOUT)
    except requests.RequestException as exc:
        return type(exc).__name__
    if response.status_code == requests.codes.ok:
        return None
    with contextlib.suppress(ValueError, KeyError, AttributeError):
        parts = response.json()["parts"]
        return ", ".join(f"{name}: {state}" for name, state in parts.items() if state != "ready")
    return f"status {response.status_code}"


def _describe(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
