"""In which order the ways to a server are tried, and the error without any."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from wxbus.errors import ConfigurationError
from wxbus_local.install.package_managers import PackageManager
from wxbus_local.install.server_programs import ServerProgram
from wxbus_local.processes.run import Run
from wxbus_local.servers.container_spec import NoEngine, NoImage
from wxbus_local.servers.containers import Engine
from wxbus_local.servers.launcher import RABBITMQ, REDIS, Launcher, ServerKind
from wxbus_local.servers.server import Server


class RecordingServer:
    """Records its calls."""

    url = "redis://user:hunter2@127.0.0.1:1/0"
    management_url = None
    description = "private instance of /bin/redis"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.calls.append(name)


class EngineWithoutRegistry(Engine):
    """Answers but cannot pull images."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        """Do nothing."""

    def provide(self, image: str, report: Callable[[str], None]) -> None:
        """Fail."""
        report(f"pulling {image} ...")
        raise NoImage(f"{image} cannot be pulled: no such host")


def no_engine() -> Engine:
    """A machine without Docker."""
    raise NoEngine("no Docker engine answers")


@dataclass(frozen=True)
class FakeProgram(ServerProgram):
    """A program that is on the machine or not."""

    is_installed: Callable[[], bool] = lambda: True

    def find(self) -> str | None:
        """Return a path if the program is installed."""
        return "/bin/redis" if self.is_installed() else None


class FakePackageManager(PackageManager):
    """Only reports that it installs."""

    def install(self, package: str, report: Callable[[str], None]) -> bool:
        """Report the package."""
        report(f"installing {package}")
        return True


class Machine:
    """A machine with or without the program."""

    def __init__(self, *, installed: bool) -> None:
        self.installed = installed
        self.reports: list[str] = []
        self.server = RecordingServer()

    def launcher(
        self, *, engine: Callable[[], Engine] = no_engine, package_manager: PackageManager | None = None
    ) -> Launcher:
        """Return a launcher on this machine; its run starts nothing."""
        run = Run.__new__(Run)
        return Launcher(run, self.reports.append, engine=engine, package_manager=lambda: package_manager)

    def kind(self, kind: ServerKind = REDIS) -> ServerKind:
        """Return a kind of server whose program is on this machine once it is installed."""

        def is_installed() -> bool:
            return self.installed or any("installing" in line for line in self.reports)

        program = FakeProgram(**{**vars(kind.program), "is_installed": is_installed})
        server = cast("Server", self.server)  # records calls by name
        return replace(kind, program=program, private=lambda *_: server, probe=lambda *_, **__: None)


def test_a_given_address_is_used_and_no_server_is_started(tmp_path: Path) -> None:
    """1: the server at the given address is neither started nor stopped."""
    machine = Machine(installed=True)

    with machine.launcher().provide(machine.kind(), "redis://given:1/0", tmp_path) as server:
        assert server.url == "redis://given:1/0"

    assert machine.server.calls == []


def test_a_given_server_that_does_not_answer_is_an_error_without_the_password(tmp_path: Path) -> None:
    """1: no other server replaces a given one, which would hide the mistake."""
    machine = Machine(installed=True)
    kind = replace(machine.kind(), probe=lambda *_, **__: "connection refused")

    with (
        pytest.raises(ConfigurationError, match=r"WXBUS_REDIS_URL: .*refused") as caught,
        machine.launcher().provide(kind, "redis://me:hunter2@far:1/0", tmp_path),
    ):
        pass

    assert "hunter2" not in str(caught.value)


def test_without_docker_the_program_runs_for_the_block(tmp_path: Path) -> None:
    """3: a missing engine is not reported; the private instance ends with the block."""
    machine = Machine(installed=True)

    with machine.launcher().provide(machine.kind(), None, tmp_path) as server:
        assert server.url == machine.server.url

    assert machine.server.calls == ["start", "discard"]
    assert machine.reports == ["Redis: private instance of /bin/redis, redis://user:***@127.0.0.1:1/0"]


def test_after_a_failed_pull_the_program_is_used(tmp_path: Path) -> None:
    """2: a failed pull is reported with its reason, then way 3 is tried."""
    machine = Machine(installed=True)

    machine.launcher(engine=EngineWithoutRegistry).launch(machine.kind(), tmp_path)

    assert machine.reports[1] == "Redis: redis:8 cannot be pulled: no such host; looking for a program on this machine"
    assert machine.server.calls == ["start"]


def test_a_missing_program_is_installed(tmp_path: Path) -> None:
    """4: the package manager installs the package by its own name for it."""
    machine = Machine(installed=False)

    machine.launcher(package_manager=FakePackageManager("apt")).launch(machine.kind(RABBITMQ), tmp_path)

    assert machine.reports[0] == "installing rabbitmq-server"
    assert machine.server.calls == ["start"]


def test_without_any_way_the_error_has_one_command_for_both_servers(tmp_path: Path) -> None:
    """5: the error names all missing servers at once, and the variables for running ones."""
    machine = Machine(installed=False)
    launcher = replace(machine.launcher(), missing=lambda: [RABBITMQ.program, REDIS.program])

    with pytest.raises(ConfigurationError) as caught:
        launcher.launch(machine.kind(REDIS), tmp_path)

    text = str(caught.value)
    assert text.startswith("Redis and RabbitMQ are needed")
    for word in ("redis", "rabbitmq", "Docker", "WXBUS_REDIS_URL", "WXBUS_AMQP_URL"):
        assert word in text
