"""Servers as Docker containers (testcontainers). The guard removes them when the run ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
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
from wxbus_local.servers.container_spec import ContainerSpec, NoEngine, NoImage
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.probes import Probe
from wxbus_local.servers.server import LAST_LINES, START_TIMEOUT, wait_ready

ANSWER_TIMEOUT: Final = 10
"""Seconds in which the engine must answer."""
PULL_TIMEOUT: Final = 20.0
"""Seconds without progress after which a pull is abandoned."""


class Engine:
    """A Docker engine; close it after use."""

    def __init__(self) -> None:
        """Connect.

        Raises:
            NoEngine: No engine answers.
        """
        _check_socket()
        try:
            self._client = DockerClient(timeout=ANSWER_TIMEOUT).client
            self._client.ping()
        except (DockerException, RequestException, OSError) as exc:
            raise NoEngine("no Docker engine answers") from exc

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def containers_of(self, run_id: str) -> list[Any]:
        """Return the containers of a run, stopped ones included."""
        found: list[Any] = self._client.containers.list(all=True, filters={"label": f"{RUN_ID}={run_id}"})
        return found

    def provide(self, image: str, report: Callable[[str], None]) -> None:
        """Return when the engine has the image; pull it if necessary.

        Raises:
            NoImage: The image cannot be pulled.
        """
        try:
            self._client.images.get(image)
        except ImageNotFound:
            report(f"pulling {image} ...")
            self._pull(image)
        except (DockerException, RequestException) as exc:
            raise NoEngine(f"the Docker engine does not answer: {exc}") from exc

    def _pull(self, image: str) -> None:
        repository, tag = image.rsplit(":", maxsplit=1)
        progress = threading.Event()
        failures: list[str] = []
        done = threading.Event()

        def pull() -> None:
            try:
                for step in self._client.api.pull(repository, tag=tag, stream=True, decode=True):
                    progress.set()
                    if "error" in step:
                        failures.append(str(step["error"]))
            except (DockerException, RequestException) as exc:
                failures.append(getattr(exc, "explanation", None) or str(exc))
            done.set()
            progress.set()

        threading.Thread(target=pull, daemon=True).start()
        while progress.wait(PULL_TIMEOUT) and not done.is_set():
            progress.clear()
        if not done.is_set():
            failures.append(f"no progress for {PULL_TIMEOUT:.0f} s")
        if failures:
            raise NoImage(f"{image} cannot be pulled: {failures[0].strip()}")


class ContainerServer:
    """A `Server` in a container; its ports on this machine stay the same when it restarts."""

    def __init__(self, run: Run, spec: ContainerSpec, *, name: str, probe: Probe) -> None:
        self._spec = spec
        self._name = name
        self._probe = probe
        testcontainers_config.ryuk_disabled = True  # Ryuk is one more image to pull, and the guard does its work
        run.has_containers()
        self._container = DockerContainer(spec.image).with_envs(**spec.environment).with_kwargs(labels={RUN_ID: run.id})
        if spec.command:
            self._container = self._container.with_command(list(spec.command))
        client = self._container.get_docker_client()
        local = client.get_connection_mode() is ConnectionMode.docker_host and client.host() == "localhost"
        ports: dict[str, Any] = self._container.ports
        for port in filter(None, (spec.port, spec.management_port)):
            # On this machine: not reachable from the network.
            ports[str(port)] = ("127.0.0.1", free_port()) if local else free_port()
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Return the address. Raises StartFailed before the first start."""
        if self._url is None:
            raise StartFailed(f"{self._name} was not started yet")
        return self._url

    @property
    def management_url(self) -> str | None:
        """Return the address of the management API, if it has one."""
        port = self._spec.management_port
        return None if port is None else self._published("http://{host}:{port}", port)

    @property
    def description(self) -> str:
        """Return a text that names the image."""
        return f"container of {self._spec.image}"

    def start(self) -> None:
        """Start it, also after a stop; return when it answers."""
        with self._errors_translated():
            if self._url is None:
                self._container.start()
                self._url = self._published(self._spec.url, self._spec.port)
            else:
                self._container.get_wrapped_container().start()
        try:
            wait_ready(lambda: self._probe(self.url), alive=self.alive, timeout=START_TIMEOUT, name=self._name)
        except BaseException as exc:  # also Ctrl-C
            log = self._container.get_wrapped_container().logs(tail=LAST_LINES).decode(errors="replace")
            self.discard()
            if isinstance(exc, StartFailed):
                raise StartFailed(f"{exc}\n{log}") from exc
            raise

    def kill(self) -> None:
        """Send SIGKILL."""
        with self._errors_translated():
            self._container.get_wrapped_container().kill()
            self._container.get_wrapped_container().wait()

    def freeze(self) -> None:
        """Pause all its processes."""
        with self._errors_translated():
            self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        """Continue all its processes."""
        with self._errors_translated():
            self._container.get_wrapped_container().unpause()

    def stop(self) -> None:
        """Stop it; the container keeps its data."""
        with self._errors_translated():
            container = self._container.get_wrapped_container()
            container.reload()
            if container.status == "paused":
                container.unpause()
            container.stop()

    def discard(self) -> None:
        """Remove it with its data."""
        with self._errors_translated():
            self._container.stop()

    def alive(self) -> bool:
        """Return whether it runs or is paused."""
        with self._errors_translated():
            container = self._container.get_wrapped_container()
            container.reload()
            return container.status in {"running", "paused"}

    def _published(self, address: str, port: int) -> str:
        """Return `address` with the host and port on which a port of the container is reached."""
        host = self._container.get_container_host_ip().replace("localhost", "127.0.0.1")
        return address.format(host=host, port=self._container.get_exposed_port(port))

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        """Run the block; raise StartFailed for errors of the engine."""
        try:
            yield
        except (DockerException, RequestException) as exc:
            raise StartFailed(f"{self._name}: {exc}") from exc


def _check_socket() -> None:
    """Raise NoEngine if no program listens on the engine's socket: the client leaks its own socket when refused."""
    address = urlsplit(get_docker_host() or DEFAULT_UNIX_SOCKET.replace("http+", ""))
    if address.scheme != "unix":
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.path)
        except OSError as exc:
            raise NoEngine("no Docker engine answers") from exc
