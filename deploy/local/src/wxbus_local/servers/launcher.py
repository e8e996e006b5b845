"""Provides RabbitMQ and Redis, each by the first of these ways that works:

1. the address in `WXBUS_AMQP_URL` or `WXBUS_REDIS_URL`;
2. a container, if a Docker engine answers and has or can pull the image;
3. a program on this machine, run as a private instance on free ports;
4. the same, after the package manager has installed the program;
5. an error that says what to install.

A server that already runs on a standard port is used only if its address is given.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus.runtime.logs import redact_text
from wxbus_local.errors import StartFailed
from wxbus_local.install import server_programs
from wxbus_local.install.package_managers import PackageManager, available
from wxbus_local.install.server_programs import ServerProgram
from wxbus_local.processes.run import Run
from wxbus_local.servers import probes
from wxbus_local.servers.container_spec import ContainerSpec, NoEngine
from wxbus_local.servers.rabbitmq import PrivateRabbitMQ
from wxbus_local.servers.redis import OPTIONS, PrivateRedis
from wxbus_local.servers.server import Server
from wxbus_local.settings import LocalSettings

if TYPE_CHECKING:
    from wxbus_local.servers.containers import Engine


@dataclass(frozen=True, slots=True)
class ServerKind:
    """RabbitMQ or Redis, and the ways to start one."""

    program: ServerProgram
    container: ContainerSpec
    private: Callable[[Run, Path, str], Server]
    probe: probes.Probe

    @property
    def name(self) -> str:
        """Return the server's name."""
        return self.program.name


RABBITMQ: Final = ServerKind(
    program=server_programs.RABBITMQ,
    container=ContainerSpec(
        image="rabbitmq:4-management",
        port=5672,
        management_port=15672,
        url="amqp://wxbus:wxbus@{host}:{port}/",
        environment={"RABBITMQ_DEFAULT_USER": "wxbus", "RABBITMQ_DEFAULT_PASS": "wxbus"},
    ),
    private=PrivateRabbitMQ,
    probe=probes.amqp_connect,
)
REDIS: Final = ServerKind(
    program=server_programs.REDIS,
    container=ContainerSpec(
        image="redis:8", port=6379, url="redis://{host}:{port}/0", command=("redis-server", *OPTIONS)
    ),
    private=PrivateRedis,
    probe=probes.redis_ping,
)


def _engine() -> "Engine":
    from wxbus_local.servers.containers import Engine  # noqa: PLC0415 - Docker's libraries, unless addresses are given

    return Engine()


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts servers (ways 2 to 5); they end with the run at the latest."""

    run: Run
    report: Callable[[str], None]
    """Takes lines of progress, `NAME: text`."""
    engine: Callable[[], "Engine"] = _engine
    package_manager: Callable[[], PackageManager | None] = available
    missing: Callable[[], list[ServerProgram]] = server_programs.missing

    def launch(self, kind: ServerKind, folder: Path) -> Server:
        """Return a server that answers; a private instance keeps its data in `folder`.

        Raises:
            ConfigurationError: No way works; the text says what to install.
            StartFailed: The program exists but does not start.
        """
        try:
            server = self._start_container(kind)
        except NoEngine:
            server = self._start_private(kind, folder)
        except StartFailed as exc:
            self.report(f"{kind.name}: {exc}; looking for a program on this machine")
            server = self._start_private(kind, folder)
        self.report(f"{kind.name}: {server.description}, {redact_text(server.url)}")
        return server

    @contextmanager
    def provide(self, kind: ServerKind, given: str | None, folder: Path) -> Iterator["ProvidedServer"]:
        """Yield the server at the address `given`; without an address launch one, and end it after the block.

        Raises:
            ConfigurationError: The given server does not answer, or no way to launch one works.
            StartFailed: The program exists but does not start.
        """
        if given is not None:
            variable, address = kind.program.variable, redact_text(given)
            if reason := kind.probe(given):
                raise ConfigurationError(f"{variable}: {address} does not answer as {kind.name}: {redact_text(reason)}")
            self.report(f"{kind.name}: {address}, from {variable}")
            yield ProvidedServer(given, None)
            return
        server = self.launch(kind, folder)
        try:
            yield ProvidedServer(server.url, server)
        finally:
            server.discard()  # fast, and confirmed data survives it

    def _start_container(self, kind: ServerKind) -> Server:
        with closing(self.engine()) as engine:
            engine.provide(kind.container.image, self.report)
        from wxbus_local.servers.containers import ContainerServer  # noqa: PLC0415

        server = ContainerServer(self.run, kind.container, name=kind.name, probe=kind.probe)
        server.start()
        return server

    def _start_private(self, kind: ServerKind, folder: Path) -> Server:
        executable = kind.program.find()
        if executable is None and (manager := self.package_manager()):
            manager.install(kind.program.packages[manager.name], self.report)
            executable = kind.program.find()
        if executable is None:
            others = [program for program in self.missing() if program.name != kind.name]
            raise ConfigurationError(server_programs.instructions([kind.program, *others]))
        server = kind.private(self.run, folder.absolute(), executable)
        server.start()
        return server


@dataclass(frozen=True, slots=True)
class ProvidedServer:
    """A server that answers."""

    url: str
    started: Server | None
    """None if its address was given."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The RabbitMQ and the Redis in use."""

    amqp_url: str
    management_url: str | None
    """Of the management API, if we started RabbitMQ."""
    redis_url: str
    started: tuple[Server, ...] = ()
    """Those of the two that we started."""


@contextmanager
def open_servers(launcher: Launcher, *, data: Path) -> Iterator[Servers]:
    """Yield a RabbitMQ and a Redis for the block; private instances keep their data below `data`."""
    given = load(LocalSettings)
    redis_url = given.redis_url.get_secret_value() if given.redis_url else None
    amqp_url = given.amqp_url.get_secret_value() if given.amqp_url else None
    with (
        launcher.provide(REDIS, redis_url, data / "redis") as redis,
        launcher.provide(RABBITMQ, amqp_url, data / "rabbitmq") as rabbitmq,
    ):
        yield Servers(
            amqp_url=rabbitmq.url,
            management_url=rabbitmq.started.management_url if rabbitmq.started else None,
            redis_url=redis.url,
            started=tuple(server.started for server in (redis, rabbitmq) if server.started),
        )
