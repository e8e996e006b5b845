"""How the end of a service, a server or the guard ends the stack."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import processes_of
from wxbus_local.servers.redis import PrivateRedis
from wxbus_local.stack.addresses import Addresses
from wxbus_local.stack.plan import PLACEHOLDER
from wxbus_local.stack.services import Service
from wxbus_local.stack.stack import Line, ServiceEnded, Stack

ADDRESSES = Addresses(
    ingress=1,
    ingress_admin=1,
    token=1,
    token_admin=1,
    gateway=1,
    gateway_admin=1,
    sandbox=1,
    workers=(1,),
    workers_admin=(1,),
)
SLEEP = "import time; time.sleep(600)"


class EndedServer(PrivateRedis):
    """A server that does not run any more."""

    def __init__(self) -> None:
        self.executable = "/bin/redis"

    def alive(self) -> bool:
        """Return False."""
        return False


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a run with its guard."""
    with Run.open() as run:
        yield run


@contextmanager
def stack_of(run: Run, program: str, lines: list[Line] | None = None, *servers: EndedServer) -> Iterator[Stack]:
    """Run a Python program as ingress."""
    on_line = (lines if lines is not None else []).append
    services = {"ingress": Service([sys.executable, "-S", "-c", program])}
    started = replace(PLACEHOLDER, started=servers)
    with Stack.running(run, started, ADDRESSES, services, {**os.environ, **run.variables}, on_line=on_line) as stack:
        yield stack


def ingress_of(run: Run) -> psutil.Process:
    """Return the process of ingress; it has no environment for a moment after its start."""
    while not (found := processes_of(run.id)):
        time.sleep(0.01)
    [ingress] = found
    return ingress


def test_a_killed_service_is_named(run: Run) -> None:
    """The error names the service and the signal."""
    with stack_of(run, SLEEP) as stack:
        ingress_of(run).kill()

        with pytest.raises(ServiceEnded, match="ingress was ended by SIGKILL"):
            stack.watch(threading.Event())


def test_the_last_output_of_an_ended_service_is_in_the_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines after the last log entry say why a service ended; every line is reported."""
    monkeypatch.setattr("wxbus_local.stack.stack.DRAIN_TIMEOUT", 60.0)
    lines: list[Line] = []
    program = "print('before'); print('{}'); print('the reason'); raise SystemExit(3)"

    with stack_of(run, program, lines) as stack, pytest.raises(ServiceEnded) as caught:
        stack.watch(threading.Event())

    assert str(caught.value) == "ingress ended with exit code 3\n    the reason"
    assert [line.text for line in lines] == ["before", "{}", "the reason"]


def test_the_stack_does_not_run_without_its_guard(run: Run) -> None:
    """Without the guard, a crash would leave processes behind."""
    with stack_of(run, SLEEP) as stack:
        run.guard.kill()

        with pytest.raises(ServiceEnded, match="the guard process has ended"):
            stack.watch(threading.Event())


def test_an_ended_server_ends_the_stack(run: Run) -> None:
    """The error describes the server that this run started."""
    with stack_of(run, SLEEP, None, EndedServer()) as stack, pytest.raises(ServiceEnded, match="private instance"):
        stack.watch(threading.Event())


def test_the_end_of_the_block_stops_the_services(run: Run) -> None:
    """No service runs after the block."""
    with stack_of(run, SLEEP):
        ingress = ingress_of(run)

    assert not psutil.pid_exists(ingress.pid)


def test_the_watch_ends_when_the_run_is_to_stop(run: Run) -> None:
    """A set event ends the watch although all services run."""
    stopping = threading.Event()
    stopping.set()

    with stack_of(run, SLEEP) as stack:
        stack.watch(stopping)
