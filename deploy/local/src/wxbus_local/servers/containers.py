"""Servers as containers of a Docker engine (testcontainers), removed with the run whatever happens to it."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import DockerException, ImageNotFound
from requests import RequestException
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.processes.tree import RUN_ID
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.private import LAST_LINES, START_TIMEOUT, wait_ready

ANSWER_TIMEOUT = 10
"""Seconds the engine may take for an answer."""

PULL_STALL = 20.0
"""Seconds without progress after which a pull is given up: another source is tried."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to run for a server, and how to see that it answers."""

    name: str
    image: str
    port: int
    url: str
    """Address with `{host}` and `{port}` in it."""
    probe: Callable[[str], str | None]
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    management_port: int | None = None
    """Of RabbitMQ's management API; None: there is none."""


class NoEngine(StartFailed):
    """No Docker engine answers."""


class NoImage(StartFailed):
    """The engine has not got the image and cannot pull it."""


class Engine:
    """A Docker engine that answers; to be closed."""

    def __init__(self) -> None:
        """Connect.

        Raises:
            NoEngine: None answers.
        """
        _knock()
        try:
            self._client = DockerClient(timeout=ANSWER_TIMEOUT).client
            self._client.ping()
        except (DockerException, RequestException, OSError) as exc:
            raise NoEngine("no Docker engine answers") from exc

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def of_run(self, run_id: str) -> list[Any]:
        """Return the containers of a run, running or not."""
        found: list[Any] = self._client.containers.list(all=True, filters={"label": f"{RUN_ID}={run_id}"})
        return found

    def provide(self, image: str, say: Callable[[str], None]) -> None:
        """Return when the engine has the image, pulled if need be.

        Raises:
            NoImage: It cannot be pulled.
        """
        try:
            self._client.images.get(image)
        except ImageNotFound:
            say(f"pulling {image} ...")
            self._pull(image)
        except (DockerException, RequestException) as exc:
            raise NoEngine(f"the Docker engine does not answer: {exc}") from exc

    def _pull(self, image: str) -> None:
        repository, tag = image.rsplit(":", maxsplit=1)
        progress = threading.Event()
        failure: list[str] = []
        done = threading.Event()

        def pull() -> None:
            try:
                for step in self._client.api.pull(repository, tag=tag, stream=True, decode=True):
                    progress.set()
                    if "error" in step:
                        failure.append(str(step["error"]))
            except (DockerException, RequestException) as exc:
                failure.append(getattr(exc, "explanation", None) or str(exc))
            done.set()
            progress.set()

        threading.Thread(target=pull, daemon=True).start()
        while progress.wait(PULL_STALL) and not done.is_set():
            progress.clear()
        if not done.is_set():
            failure.append(f"no progress for {PULL_STALL:.0f} s")
        if failure:
            raise NoImage(f"{image} cannot be pulled: {failure[0].strip()}")


class ContainerServer:
    """A server in a container, published on ports of this machine that stay the same over restarts."""

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self._recipe = recipe
        # Its own reaper is one more image to pull, and our guard does that work already.
        testcontainers_config.ryuk_disabled = True
        run.has_containers()
        self._container = (
            DockerContainer(recipe.image).with_envs(**recipe.environment).with_kwargs(labels={RUN_ID: run.id})
        )
        if recipe.command:
            self._container = self._container.with_command(list(recipe.command))
        client = self._container.get_docker_client()
        ours = client.get_connection_mode() is ConnectionMode.docker_host and client.host() == "localhost"
        ports: dict[str, Any] = self._container.ports
        for port in filter(None, (recipe.port, recipe.management_port)):
            # On our own machine not for the neighbours on the network.
            ports[str(port)] = ("127.0.0.1", free_port()) if ours else free_port()
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Return its address, once it was started."""
        if self._url is None:
            raise StartFailed(f"{self._recipe.name} was not started yet")
        return self._url

    @property
    def management_url(self) -> str | None:
        """Return where its management API is, if it has one."""
        port = self._recipe.management_port
        return None if port is None else self._published("http://{host}:{port}", port)

    @property
    def description(self) -> str:
        """Return what runs, for a person."""
        return f"container of {self._recipe.image}"

    def start(self) -> None:
        """Start it, again too; return when it answers."""
        with _translated(self._recipe.name):
            if self._url is None:
                self._container.start()
                self._url = self._published(self._recipe.url, self._recipe.port)
            else:
                self._container.get_wrapped_container().start()
        try:
            wait_ready(
                lambda: self._recipe.probe(self.url),
                alive=self.alive,
                timeout=START_TIMEOUT,
                what=self._recipe.name,
            )
        except BaseException as exc:  # Ctrl-C too
            said = self._container.get_wrapped_container().logs(tail=LAST_LINES).decode(errors="replace")
            self.discard()
            if isinstance(exc, StartFailed):
                raise StartFailed(f"{exc}\n{said}") from exc
            raise

    def kill(self) -> None:
        """SIGKILL."""
        with _translated(self._recipe.name):
            self._container.get_wrapped_container().kill()
            self._container.get_wrapped_container().wait()

    def freeze(self) -> None:
        """Pause all its processes."""
        with _translated(self._recipe.name):
            self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        """Let them go on."""
        with _translated(self._recipe.name):
            self._container.get_wrapped_container().unpause()

    def stop(self) -> None:
        """Stop it; its data stays in it."""
        with _translated(self._recipe.name):
            container = self._container.get_wrapped_container()
            container.reload()
            if container.status == "paused":
                container.unpause()
            container.stop()

    def discard(self) -> None:
        """Remove it with its data."""
        with _translated(self._recipe.name):
            self._container.stop()

    def alive(self) -> bool:
        """Whether it runs, paused or not."""
        with _translated(self._recipe.name):
            container = self._container.get_wrapped_container()
            container.reload()
            return container.status in {"running", "paused"}

    def _published(self, address: str, port: int) -> str:
        """Return an address with the place where a port of the container is reached."""
        host = self._container.get_container_host_ip().replace("localhost", "127.0.0.1")
        return address.format(host=host, port=self._container.get_exposed_port(port))


def _knock() -> None:
    """Raise NoEngine if nobody listens at the engine's socket: the client leaves its own open when it is refused."""
    address = urlsplit(get_docker_host() or DEFAULT_UNIX_SOCKET.replace("http+", ""))
    if address.scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.path)
        except OSError as exc:
            raise NoEngine("no Docker engine answers") from exc


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Run the block; errors of the engine come out as StartFailed."""
    try:
        yield
    except (DockerException, RequestException) as exc:
        raise StartFailed(f"{name}: {exc}") from exc
