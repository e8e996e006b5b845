"""A RabbitMQ of our own, beside any other on the machine: own node name, ports, cookie, data and port mapper.

Nothing of the system's installation is read or written but the program itself.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.servers import probes
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.private import POLL, PrivateServer

ERLANG_PLACES = ("/opt/homebrew/bin", "/usr/local/bin")
EPMD_TIMEOUT = 20.0


class PrivateRabbitMQ(PrivateServer):
    """A RabbitMQ node and its port mapper (epmd), both children of ours."""

    name = "RabbitMQ"

    def __init__(self, run: Run, folder: Path, executable: str) -> None:
        super().__init__(run, folder)
        self._executable = executable
        self._port, self._management, self._distribution, self._epmd_port = (free_port() for _ in range(4))
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def program(self) -> str:
        """Return the program's path."""
        return self._executable

    @property
    def url(self) -> str:
        """Return its address."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def management_url(self) -> str:
        """Return where its management API and pages are."""
        return f"http://127.0.0.1:{self._management}"

    def start(self) -> None:
        """Start the port mapper if it does not run, then the node; return when it accepts a connection."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._start_epmd()
        super().start()

    def stop(self) -> None:
        """Stop the node in good order, then the port mapper."""
        super().stop()
        self._end_epmd()

    def discard(self) -> None:
        """Kill the node and the port mapper."""
        super().discard()
        self._end_epmd()

    def command(self) -> Sequence[str]:
        """Return the command, its configuration written beside the data."""
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self._management}\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n",
            encoding="utf-8",
        )
        (self.folder / "advanced.config").write_text("[].\n", encoding="utf-8")
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="utf-8")
        (self.folder / "conf.d").mkdir(exist_ok=True)
        return (self._executable,)

    def environment(self) -> Mapping[str, str]:
        """Return the variables that keep the node apart from any other on the machine."""
        folder = str(self.folder)
        return {
            "HOME": folder,  # for the cookie
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), *ERLANG_PLACES]),
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_NODENAME": "wxbus@localhost",  # unique enough: its port mapper knows no other
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": f"{folder}/conf.d",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def probe(self) -> str | None:
        """Return None if it accepts an AMQP connection: a ping of the node answers earlier."""
        return probes.amqp(self.url)

    def _start_epmd(self) -> None:
        """Start the port mapper as a child: left to itself, Erlang starts a daemon that nobody stops."""
        if self._epmd is not None and self._epmd.poll() is None:
            return
        environment = self.environment()
        epmd = shutil.which("epmd", path=environment["PATH"])
        if epmd is None:
            raise StartFailed("RabbitMQ is there but Erlang's port mapper (epmd) is not on the path")
        self._epmd = self.spawn((epmd, "-address", "127.0.0.1", "-port", str(self._epmd_port)), environment)
        deadline = time.monotonic() + EPMD_TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._epmd_port), timeout=1).close()
            except OSError as exc:
                if self._epmd.poll() is not None or time.monotonic() > deadline:
                    raise StartFailed(f"Erlang's port mapper (epmd) did not start\n{self.last_words()}") from exc
                time.sleep(POLL)
            else:
                return

    def _end_epmd(self) -> None:
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
