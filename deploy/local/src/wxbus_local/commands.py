"""The commands `run` and `demo`."""

import asyncio
import contextlib
import fcntl
import secrets
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from wxbus.bus.topology import Topology
from wxbus.config.settings import load
from wxbus.errors import ConfigurationError, WxbusError
from wxbus_local.console.next_steps import print_sandbox_steps, print_wechat_steps
from wxbus_local.console.screen import Screen
from wxbus_local.demo.player import play_demo
from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import Launcher, open_servers
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.cleanup import delete_namespace
from wxbus_local.stack.plan import Plan
from wxbus_local.stack.preflight import check
from wxbus_local.stack.stack import Stack


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived."""


def run() -> None:
    """Start all services and run until Ctrl-C."""
    screen = Screen(Console(highlight=False))
    with errors_printed(screen) as stopping, contextlib.suppress(Interrupted):
        settings = load(LocalSettings)
        settings.check()
        with _locked(settings.local_data), Run.open() as guarded:
            screen.title(f"starting on this machine, all data below {settings.data}")
            plan = Plan.of(settings, data=settings.data)
            for warning in plan.warnings():
                screen.warn(warning)
            check(plan.environment(guarded))
            with (
                open_servers(Launcher(guarded, screen.say), data=settings.data) as servers,
                plan.running(guarded, servers, on_line=screen.add, reload=True) as stack,
                plan.env_file(servers),
            ):
                _wait_ready(screen, stack)
                if settings.real:
                    print_wechat_steps(screen, plan)
                else:
                    print_sandbox_steps(screen, plan)
                screen.stream()
                try:
                    stack.watch(stopping)
                finally:
                    screen.console.print("\n  stopping ...")


def demo(against: str, gateway: str) -> None:
    """Play with the stack whose sandbox is at `against` and whose gateway is at `gateway`, or with a new one.

    Args:
        against: Address of the sandbox; "" for a new stack.
        gateway: Address of the gateway of that stack.

    Raises:
        typer.Exit: With code 1: the conversation failed.
    """
    screen = Screen(Console(highlight=False))
    succeeded = False
    with errors_printed(screen):
        if against:
            screen.title(f"a conversation, by the sandbox at {against}")
            succeeded = asyncio.run(play_demo(screen.console, against, gateway, fresh=False))
        else:
            succeeded = _demo_with_new_stack(screen)
    if not succeeded:
        screen.console.print(Text.assemble("  ", ("The conversation failed.", "bold red"), "\n"))
        raise typer.Exit(1)
    screen.console.print(Text.assemble("  ", ("The conversation succeeded.", "bold green"), "\n"))


def _demo_with_new_stack(screen: Screen) -> bool:
    settings = load(LocalSettings)
    settings.check()
    # Not the user's namespace: everything in this one is deleted afterwards.
    settings = settings.for_demo(namespace=f"demo-{secrets.token_hex(4)}")
    with TemporaryDirectory(prefix="wxbus-", ignore_cleanup_errors=True) as folder, Run.open() as guarded:
        screen.title("starting on this machine, for the length of a conversation")
        plan = Plan.of(settings, data=Path(folder))
        with open_servers(Launcher(guarded, screen.say), data=Path(folder)) as servers:
            screen.say(f"namespace: {settings.namespace}, deleted afterwards")
            try:
                with plan.running(guarded, servers, on_line=screen.add, reload=False) as stack:
                    _wait_ready(screen, stack)
                    screen.console.print()
                    succeeded = asyncio.run(
                        play_demo(screen.console, plan.addresses.sandbox_url, plan.addresses.gateway_url, fresh=True)
                    )
                    stack.check()
            finally:
                if len(servers.started) < 2:  # a server that we started ends with its data
                    topology = Topology(settings.namespace, partitions=settings.partitions)
                    asyncio.run(delete_namespace(servers.amqp_url, servers.redis_url, topology))
    return succeeded


def _wait_ready(screen: Screen, stack: Stack) -> None:
    addresses = stack.addresses.by_service
    stack.wait_ready(lambda name, seconds: screen.ready(name, addresses[name], seconds))


@contextlib.contextmanager
def errors_printed(screen: Screen) -> Iterator[threading.Event]:
    """Run the block; SIGINT and SIGTERM raise Interrupted in it; errors are printed and exit with code 1.

    The event is set by the signals, too: Python drops an exception that is raised in a finalizer.
    """
    stopping = threading.Event()

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        stopping.set()
        raise Interrupted

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        yield stopping
    except Interrupted as exc:
        raise typer.Exit(130) from exc
    except WxbusError as exc:
        screen.failure(str(exc))
        raise typer.Exit(1) from exc


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Run the block unless another run uses this folder."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ConfigurationError(
                f"another run uses the data below {data}; stop it, or set WXBUS_LOCAL_DATA to another folder"
            ) from exc
        yield
