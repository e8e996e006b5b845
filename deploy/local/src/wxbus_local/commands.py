"""What `python -m wxbus_local run` and `demo` do."""

import asyncio
import contextlib
import fcntl
import secrets
import signal
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
from wxbus_local.console.next_steps import invite, invite_wechat
from wxbus_local.console.screen import Screen
from wxbus_local.demo.player import demonstrate
from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import Launcher, find
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.cleanup import forget
from wxbus_local.stack.plan import UNKNOWN, Plan
from wxbus_local.stack.preflight import check
from wxbus_local.stack.stack import Stack


class Told(BaseException):
    """SIGINT or SIGTERM: stop what runs, in good order."""


def run() -> None:
    """Start all services, and stay until Ctrl-C."""
    screen = Screen(Console(highlight=False))
    with _explained(screen), contextlib.suppress(Told):
        settings = load(LocalSettings)
        settings.check()
        with _alone(settings.local_data), Run.open() as guarded:
            screen.title("starting on this machine, all data below " + str(settings.data))
            plan = Plan.of(settings, data=settings.data)
            for sentence in plan.warnings():
                screen.warn(sentence)
            check(plan.environment(guarded, UNKNOWN))
            with (
                find(Launcher(guarded, screen.say), data=settings.data) as servers,
                plan.running(guarded, servers, hear=screen.hear, reload=True) as stack,
                plan.variables_written(servers),
            ):
                _wait_ready(screen, stack)
                if settings.real:
                    invite_wechat(screen, plan)
                else:
                    invite(screen, plan.addresses)
                screen.stream()
                try:
                    stack.watch()
                finally:
                    screen.console.print("\n  stopping ...")


def demo(against: str) -> None:
    """Play a conversation with the stack whose sandbox is at `against`, without that with one started for it.

    Raises:
        typer.Exit: With code 1: not all of it did what it should.
    """
    screen = Screen(Console(highlight=False))
    good = False
    with _explained(screen):
        if against:
            screen.title(f"a conversation, by the sandbox at {against}")
            good = asyncio.run(demonstrate(screen.console, against, fresh=False))
        else:
            good = _demo_here(screen)
    if not good:
        screen.console.print(Text.assemble("  ", ("The conversation did not go as it must.", "bold red"), "\n"))
        raise typer.Exit(1)
    screen.console.print(Text.assemble("  ", ("All of it as it must be.", "bold green"), "\n"))


def _demo_here(screen: Screen) -> bool:
    # Never the user's own names: what is under them is deleted afterwards.
    settings = load(LocalSettings)
    settings.check()
    settings = settings.for_demo(namespace=f"demo-{secrets.token_hex(4)}")
    with TemporaryDirectory(prefix="wxbus-", ignore_cleanup_errors=True) as folder, Run.open() as guarded:
        screen.title("starting on this machine, for the length of a conversation")
        plan = Plan.of(settings, data=Path(folder))
        with find(Launcher(guarded, screen.say), data=Path(folder)) as servers:
            screen.say(f"names: {settings.namespace}.* on both, deleted afterwards")
            try:
                with plan.running(guarded, servers, hear=screen.hear, reload=False) as stack:
                    _wait_ready(screen, stack)
                    screen.console.print()
                    good = asyncio.run(demonstrate(screen.console, stack.addresses.sandbox_url, fresh=True))
                    stack.check()
            finally:
                if len(servers.own) < 2:  # the others go with all they hold
                    topology = Topology(settings.namespace, partitions=settings.partitions)
                    asyncio.run(forget(servers.amqp_url, servers.redis_url, topology))
    return good


def _wait_ready(screen: Screen, stack: Stack) -> None:
    places = stack.addresses.places
    stack.wait_ready(lambda name, seconds: screen.ready(name, places[name], seconds))


@contextlib.contextmanager
def _explained(screen: Screen) -> Iterator[None]:
    """Run the block; let SIGINT and SIGTERM stop it in good order; print what goes wrong, and exit 1 then."""

    def told(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise Told

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    try:
        yield
    except Told as exc:
        raise typer.Exit(130) from exc
    except WxbusError as exc:
        screen.failure(str(exc))
        raise typer.Exit(1) from exc


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Run the block as the only one that uses this folder."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ConfigurationError(
                f"another one runs with its data below {data}; stop it, or set WXBUS_LOCAL_DATA to another folder"
            ) from exc
        yield
