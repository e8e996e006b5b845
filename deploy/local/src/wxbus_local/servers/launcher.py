"""Finds RabbitMQ and Redis, each by the first of these that works:

1. the address in `WXBUS_AMQP_URL` or `WXBUS_REDIS_URL`;
2. a container, where a Docker engine answers and has or can pull the image;
3. a program on this machine, run as a private instance on free ports;
4. the same, after the package manager has installed the program;
5. an error that names what to install.

A server that others run on a standard port is never used unasked.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus.runtime.logs import redact_text
from wxbus_local.errors import StartFailed
from wxbus_local.install import package_managers, server_programs
from wxbus_local.processes.run import Run
from wxbus_local.servers import containers, probes
from wxbus_local.servers import rabbitmq as private_rabbitmq
from wxbus_local.servers import redis as private_redis
from wxbus_local.servers.private import Server
from wxbus_local.settings import LocalSettings

Say = Callable[[str], None]
"""Takes one line for the person who waits: `NAME: what about it`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A server we need, and the ways to come by one."""

    need: server_programs.Need
    recipe: containers.Recipe
    program: Callable[[], str | None]
    private: Callable[[Run, Path, str], Server]
    probe: Callable[[str], str | None]


RABBITMQ = Kind(
    need=server_programs.RABBITMQ,
    recipe=containers.Recipe(
        name="RabbitMQ",
        image="rabbitmq:4-management",
        port=5672,
        management_port=15672,
        url="amqp://wxbus:wxbus@{host}:{port}/",
        probe=probes.amqp,
        environment={"RABBITMQ_DEFAULT_USER": "wxbus", "RABBITMQ_DEFAULT_PASS": "wxbus"},
    ),
    program=server_programs.RABBITMQ.program,
    private=private_rabbitmq.PrivateRabbitMQ,
    probe=probes.amqp,
)

REDIS = Kind(
    need=server_programs.REDIS,
    recipe=containers.Recipe(
        name="Redis",
        image="redis:8",
        port=6379,
        url="redis://{host}:{port}/0",
        probe=probes.resp,
        command=("redis-server", *private_redis.OPTIONS),
    ),
    program=server_programs.REDIS.program,
    private=private_redis.PrivateRedis,
    probe=probes.resp,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A server that answers."""

    url: str
    own: Server | None
    """None: it is another's."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Makes servers of our own (ways 2 to 5); what it starts ends with the run at the latest."""

    run: Run
    say: Say
    engine: Callable[[], containers.Engine] = containers.Engine
    manager: Callable[[], package_managers.Manager | None] = package_managers.manager
    missing: Callable[[], list[server_programs.Need]] = server_programs.missing

    def launch(self, kind: Kind, folder: Path) -> Server:
        """Return a server that answers, its data in `folder` where it is a program.

        Raises:
            ConfigurationError: There is no way to come by one; the text names what to install.
            StartFailed: The program is there but does not start.
        """
        try:
            server = self._container(kind)
        except containers.NoEngine:
            server = self._private(kind, folder)
        except StartFailed as exc:
            self.say(f"{kind.need.name}: {exc}; looking for a program on this machine")
            server = self._private(kind, folder)
        self.say(f"{kind.need.name}: {server.description}, {redact_text(server.url)}")
        return server

    @contextmanager
    def serving(self, kind: Kind, given: str | None, folder: Path) -> Iterator[Found]:
        """Yield a server: the given one, or one of our own that is ended afterwards.

        Raises:
            ConfigurationError: No way to come by one, or the given one does not answer.
            StartFailed: It does not start.
        """
        if given is not None:
            if fault := kind.probe(given):
                where = f"{kind.need.variable}: {redact_text(given)}"
                raise ConfigurationError(f"{where} does not answer as {kind.need.name}: {redact_text(fault)}")
            self.say(f"{kind.need.name}: {redact_text(given)}, as {kind.need.variable} says")
            yield Found(given, None)
            return
        server = self.launch(kind, folder)
        try:
            yield Found(server.url, server)
        finally:
            server.discard()  # both keep what they confirmed through a kill, and a person waits

    def _container(self, kind: Kind) -> Server:
        with closing(self.engine()) as engine:
            engine.provide(kind.recipe.image, self.say)
        server = containers.ContainerServer(self.run, kind.recipe)
        server.start()
        return server

    def _private(self, kind: Kind, folder: Path) -> Server:
        executable = kind.program()
        if executable is None and (manager := self.manager()):
            manager.install(kind.need.packages[manager.name], self.say)
            executable = kind.program()
        if executable is None:
            others = [need for need in self.missing() if need != kind.need]
            raise ConfigurationError(server_programs.advice([kind.need, *others]))
        server = kind.private(self.run, folder.absolute(), executable)
        server.start()
        return server


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers are."""

    amqp_url: str
    management_url: str | None
    """Of the management API, if this RabbitMQ is ours."""
    redis_url: str
    own: tuple[Server, ...]
    """Those of them that we have started."""


@contextmanager
def find(launcher: Launcher, *, data: Path) -> Iterator[Servers]:
    """Yield a RabbitMQ and a Redis for the block; programs of our own keep their data below `data`."""
    given = load(LocalSettings)
    redis_url = given.redis_url.get_secret_value() if given.redis_url else None
    amqp_url = given.amqp_url.get_secret_value() if given.amqp_url else None
    with (
        launcher.serving(REDIS, redis_url, data / "redis") as redis,
        launcher.serving(RABBITMQ, amqp_url, data / "rabbitmq") as rabbitmq,
    ):
        own = tuple(found.own for found in (redis, rabbitmq) if found.own)
        management_url = rabbitmq.own.management_url if rabbitmq.own else None
        yield Servers(amqp_url=rabbitmq.url, management_url=management_url, redis_url=redis.url, own=own)
