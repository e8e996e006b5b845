"""All services as processes of this machine: started together, watched, stopped together."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import requests

from wxbus_local.addresses import Addresses
from wxbus_local.credentials import Credentials
from wxbus_local.errors import StartFailed
from wxbus_local.guard import Run
from wxbus_local.servers import Servers
from wxbus_local.settings import DEMO_BOT, ROOT, LocalSettings

PROCFILE = ROOT / "deploy/local/Procfile"

READY_TIMEOUT = 60.0
PROBE_TIMEOUT = 3.0
POLL = 0.1
WATCH = 1.0
STOP_GRACE = 12.0


class PartEnded(StartFailed):
    """A part of the stack ended though nobody asked it to."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a service said."""

    name: str
    text: str


class Stack:
    """The running services."""

    def __init__(
        self,
        run: Run,
        servers: Servers,
        addresses: Addresses,
        supervisor: "subprocess.Popen[str]",
        hear: Callable[[Line], None],
    ) -> None:
        self.addresses = addresses
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
        waiting = dict(self.addresses.probes)
        while waiting:
            for name, address in list(waiting.items()):
                fault = _probe(address)
                if fault is None:
                    ready(name, time.monotonic() - began)
                    del waiting[name]
                elif time.monotonic() - began > READY_TIMEOUT:
                    raise StartFailed(f"{name} is not ready after {READY_TIMEOUT:.0f} s: {fault}")
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
                self._hear(Line(event["name"], event["line"]))
            else:
                self._ended.put(f"{event['name']} {_how(event['stopped'])}")
        self._ended.put(f"the process manager {_how(self._supervisor.wait())}")


@contextlib.contextmanager
def running(
    run: Run, servers: Servers, settings: LocalSettings, *, data: Path, hear: Callable[[Line], None]
) -> Iterator[Stack]:
    """Yield the services, just started; they are stopped with the block.

    Args:
        run: Guards them.
        servers: RabbitMQ and Redis for them.
        settings: What the user wants different.
        data: Where their keys are kept, and callbacks that RabbitMQ did not take.
        hear: Is given every line they say, by a thread.
    """
    addresses = Addresses.choose(workers=settings.local_workers)
    ports = tuple(map(str, addresses.workers_admin))
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "wxbus_local.processes", str(PROCFILE), *ports],
        env=_environment(run, servers, settings, addresses, data),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for us; we stop it in good order
    )
    stack = Stack(run, servers, addresses, supervisor, hear)
    try:
        yield stack
    finally:
        stack.stop()


def _environment(
    run: Run, servers: Servers, settings: LocalSettings, addresses: Addresses, data: Path
) -> dict[str, str]:
    """Return the environment of all services; what the user has set beyond `settings` stands."""
    credentials = Credentials.of(data / "keys")
    preferred = {
        "WXBUS_LOG_FORMAT": "json",  # for us to read
        "WXBUS_LOG_LEVEL": "debug",  # each message can be followed
    }
    if settings.wechat_api_url is None:
        preferred["WXBUS_TOKEN_WECOM_API_URL"] = addresses.sandbox_url
    decided = {
        **addresses.environment(),
        "WXBUS_AMQP_URL": servers.amqp_url,
        "WXBUS_REDIS_URL": servers.redis_url,
        "WXBUS_NAMESPACE": settings.namespace,
        "WXBUS_PARTITIONS": str(settings.partitions),
        "WXBUS_INGRESS_SPOOL_DIR": str((data / "spool").absolute()),
        "WXBUS_WECHAT_API_URL": settings.wechat_api_url or addresses.sandbox_url,
        "WXBUS_ACCOUNTS_FILE": str(settings.accounts_file.absolute()),
        "WXBUS_WORKER_APP": settings.worker_app,
        "WXBUS_TOKEN_VAULT_KEYS": credentials.vault_keys,
        "WXBUS_TOKEN_API_KEYS_FILE": str(credentials.api_keys_file),
        "WXBUS_WORKER_TOKEN_API_KEY": credentials.worker_api_key,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(DEMO_BOT)])),
        "PYTHONUNBUFFERED": "1",
    }
    if servers.management_url:
        decided["WXBUS_AMQP_MANAGEMENT_URL"] = servers.management_url
    return preferred | run.environment() | decided


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
