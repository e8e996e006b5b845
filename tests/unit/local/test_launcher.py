"""In which order servers are looked for, and what is said when there is none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from wxbus.errors import ConfigurationError
from wxbus_local.install.package_managers import Manager
from wxbus_local.processes.run import Run
from wxbus_local.servers.containers import Engine, NoEngine, NoImage
from wxbus_local.servers.launcher import RABBITMQ, REDIS, Kind, Launcher


class PretendServer:
    """Remembers what was asked of it."""

    url = "redis://user:hunter2@127.0.0.1:1/0"
    management_url = None
    description = "private instance of /bin/redis"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def alive(self) -> bool:
        """Always."""
        return True

    def start(self) -> None:
        """Remember."""
        self.calls.append("start")

    def kill(self) -> None:
        """Remember."""
        self.calls.append("kill")

    def freeze(self) -> None:
        """Remember."""
        self.calls.append("freeze")

    def thaw(self) -> None:
        """Remember."""
        self.calls.append("thaw")

    def stop(self) -> None:
        """Remember."""
        self.calls.append("stop")

    def discard(self) -> None:
        """Remember."""
        self.calls.append("discard")


class PretendEngine(Engine):
    """An engine that answers but cannot pull."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        """Nothing is open."""

    def provide(self, image: str, say: Callable[[str], None]) -> None:
        """Fail as a machine without a registry does."""
        say(f"pulling {image} ...")
        raise NoImage(f"{image} cannot be pulled: no such host")


class PretendManager(Manager):
    """Installs by making the program appear."""

    def install(self, package: str, say: Callable[[str], None]) -> bool:
        """Remember what was asked for."""
        say(f"installing {package}")
        return True


def no_engine() -> Engine:
    """A machine without Docker."""
    raise NoEngine("no Docker engine answers")


class Machine:
    """A machine that has what the test says."""

    def __init__(self, tmp_path: Path, *, program: str | None = None) -> None:
        self.tmp_path = tmp_path
        self.said: list[str] = []
        self.server = PretendServer()
        self.program = program

    def launcher(
        self, run: Run, *, engine: Callable[[], Engine] = no_engine, manager: Manager | None = None
    ) -> Launcher:
        """A launcher on this machine."""
        return Launcher(run, self.said.append, engine=engine, manager=lambda: manager)

    def kind(self, kind: Kind = REDIS) -> Kind:
        """A server whose program is this machine's; an installation makes it appear."""

        def program() -> str | None:
            return self.program or ("/bin/redis" if any("installing" in line for line in self.said) else None)

        return replace(kind, program=program, private=lambda *_: self.server, probe=lambda _: None)


@pytest.fixture
def run() -> Run:
    """A run that starts nothing."""
    return Run.__new__(Run)


def test_the_address_given_by_the_user_wins_and_nothing_is_started(tmp_path: Path, run: Run) -> None:
    """1: a server named by the environment is used as it is, and not stopped."""
    machine = Machine(tmp_path, program="/bin/redis")

    with machine.launcher(run).serving(machine.kind(), "redis://given:1/0", tmp_path) as found:
        assert found.url == "redis://given:1/0"

    assert machine.server.calls == []


def test_a_given_server_that_does_not_answer_is_an_error_that_shows_no_password(tmp_path: Path, run: Run) -> None:
    """The user named it: going on with another one would hide the mistake."""
    machine = Machine(tmp_path, program="/bin/redis")
    kind = replace(machine.kind(), probe=lambda _: "connection refused")

    with (
        pytest.raises(ConfigurationError, match=r"WXBUS_REDIS_URL: .*refused") as caught,
        machine.launcher(run).serving(kind, "redis://me:hunter2@far:1/0", tmp_path),
    ):
        pass

    assert "hunter2" not in str(caught.value)


def test_without_docker_the_program_of_the_machine_is_used_and_ended(tmp_path: Path, run: Run) -> None:
    """3: no engine is nothing to speak of; the private instance is ended with the block."""
    machine = Machine(tmp_path, program="/bin/redis")

    with machine.launcher(run).serving(machine.kind(), None, tmp_path) as found:
        assert found.url == machine.server.url

    assert machine.server.calls == ["start", "discard"]
    assert machine.said == [
        "Redis: private instance of /bin/redis, redis://user:***@127.0.0.1:1/0",
    ]


def test_a_failed_pull_is_said_and_the_program_is_used(tmp_path: Path, run: Run) -> None:
    """2 falls through to 3 with a line that says why."""
    machine = Machine(tmp_path, program="/bin/redis")

    machine.launcher(run, engine=PretendEngine).launch(machine.kind(), tmp_path)

    assert machine.said[1] == ("Redis: redis:8 cannot be pulled: no such host; looking for a program on this machine")
    assert machine.server.calls == ["start"]


def test_what_is_missing_is_installed_where_the_user_may(tmp_path: Path, run: Run) -> None:
    """4: the package manager is asked for the package by its own name for it, then the program is there."""
    machine = Machine(tmp_path)

    machine.launcher(run, manager=PretendManager("apt")).launch(machine.kind(RABBITMQ), tmp_path)

    assert machine.said[0] == "installing rabbitmq-server"
    assert machine.server.calls == ["start"]


def test_without_any_way_the_error_names_both_servers_in_one_command(tmp_path: Path, run: Run) -> None:
    """5: whoever installed Redis would be told of RabbitMQ next; the text has one command, and the variables."""
    machine = Machine(tmp_path)
    launcher = replace(machine.launcher(run), missing=lambda: [RABBITMQ.need, REDIS.need])

    with pytest.raises(ConfigurationError) as caught:
        launcher.launch(machine.kind(REDIS), tmp_path)

    text = str(caught.value)
    assert text.startswith("Redis and RabbitMQ are needed")
    for word in ("redis", "rabbitmq", "Docker", "WXBUS_REDIS_URL", "WXBUS_AMQP_URL"):
        assert word in text
