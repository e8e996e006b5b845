"""All services as processes of this machine: started together, watched, stopped together."""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO, cast

import requests

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import Servers
from wxbus_local.stack.addresses import Addresses
from wxbus_local.stack.services import Part

READY_TIMEOUT = 60.0
PROBE_TIMEOUT = 3.0
POLL = 0.1
WATCH = 1.0
STOP_GRACE = 12.0
LAST_WORDS = 8


class PartEnded(StartFailed):
    """A part of the stack ended though nobody asked it to."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a service said."""

    name: str
    text: str


class LastWords:
    """What each part said last beside its log: why it ended."""

    def __init__(self) -> None:
        self._said: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_WORDS))

    def hear(self, line: Line) -> None:
        """Take a line; one of the log is left out, and what stood before it was about something else."""
        if line.text.startswith("{"):
            self._said.pop(line.name, None)
        else:
            self._said[line.name].append(line.text)

    def of(self, name: str) -> str:
        """Return the lines of a part, for the end of a sentence; "" if there are none."""
        return "".join(f"\n    {text}" for text in self._said.get(name, ()))


class Stack:
    """The running services."""

    def __init__(
        self,
        run: Run,
        servers: Servers,
        addresses: Addresses,
        parts: Collection[str],
        supervisor: "subprocess.Popen[str]",
        hear: Callable[[Line], None],
    ) -> None:
        self.addresses = addresses
        self._parts = parts
        self._words = LastWords()
        self._run = run
        self._servers = servers
        self._supervisor = supervisor
        self._hear = hear
        self._ended: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def wait_ready(self, ready: Callable[[str, float], None]) -> None:
        """Return when all parts are ready; `ready` is told each one's name and the seconds it took.

        Raises:
            PartEnded: One ended.
            StartFailed: One is not ready in time; the text says what it waits for.
        """
        began = time.monotonic()
        waiting = {name: address for name, address in self.addresses.probes.items() if name in self._parts}
        while waiting:
            for name, address in list(waiting.items()):
                fault = _probe(address)
                if fault is None:
                    ready(name, time.monotonic() - began)
                    del waiting[name]
                elif time.monotonic() - began > READY_TIMEOUT:
                    raise StartFailed(f"{name} is not ready after {READY_TIMEOUT:.0f} s: {fault}{self._words.of(name)}")
            self.check(patience=POLL if waiting else 0)

    def watch(self) -> None:
        """Return never, but raise PartEnded when a part has ended."""
        while True:
            self.check(patience=WATCH)

    def check(self, *, patience: float = 0.0) -> None:
        """Return after `patience` seconds in which all parts ran; raises PartEnded as soon as one does not."""
        with contextlib.suppress(queue.Empty):
            raise PartEnded(self._ended.get(timeout=patience) if patience else self._ended.get_nowait())
        if self._run.guard.poll() is not None:
            raise PartEnded("the guard process has ended; without it a crash would leave processes behind")
        for server in self._servers.own:
            if not server.alive():
                raise PartEnded(f"{server.description} has ended")

    def stop(self) -> None:
        """End all services: SIGTERM, and after a grace period SIGKILL."""
        self._supervisor.terminate()
        try:
            self._supervisor.wait(STOP_GRACE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()  # the guard ends its children
        self._listener.join(STOP_GRACE)

    def _listen(self) -> None:
        for event in map(json.loads, cast("IO[str]", self._supervisor.stdout)):
            if "line" in event:
                line = Line(event["name"], event["line"])
                self._words.hear(line)
                self._hear(line)
            else:
                self._ended.put(f"{event['name']} {_how(event['stopped'])}{self._words.of(event['name'])}")
        self._ended.put(f"the process manager {_how(self._supervisor.wait())}")


@contextlib.contextmanager
def running(
    run: Run,
    servers: Servers,
    addresses: Addresses,
    parts: Mapping[str, Part],
    environment: Mapping[str, str],
    *,
    hear: Callable[[Line], None],
) -> Iterator[Stack]:
    """Yield the services, just started; they are stopped with the block.

    Args:
        run: Guards them.
        servers: RabbitMQ and Redis for them.
        addresses: Where they listen.
        parts: The processes to run.
        environment: Of all of them.
        hear: Is given every line they say, by a thread.
    """
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "wxbus_local.stack.supervisor"],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for us; we stop it in good order
    )
    with cast("IO[str]", supervisor.stdin) as stdin:
        json.dump({name: asdict(part) for name, part in parts.items()}, stdin)
    stack = Stack(run, servers, addresses, parts, supervisor, hear)
    try:
        yield stack
    finally:
        stack.stop()


def _probe(address: str) -> str | None:
    """Return None if the address answers 200, else what it says."""
    try:
        answer = requests.get(address, timeout=PROBE_TIMEOUT)
    except requests.RequestException as exc:
        return type(exc).__name__
    if answer.status_code == requests.codes.ok:
        return None
    with contextlib.suppress(ValueError, KeyError, AttributeError):
        parts = answer.json()["parts"]
        return ", ".join(f"{name}: {state}" for name, state in parts.items() if state != "ready")
    return f"status {answer.status_code}"


def _how(code: int) -> str:
    """Return what an exit code says."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
