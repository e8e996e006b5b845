"""A private RabbitMQ with its own node name, ports, cookie, data and port mapper.

It shares only the program with the system's installation, and runs beside other nodes on the machine.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from wxbus_local.errors import StartFailed
from wxbus_local.processes.run import Run
from wxbus_local.servers import probes
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.private import PrivateServer

ERLANG_FOLDERS: Final = ("/opt/homebrew/bin", "/usr/local/bin")
EPMD_TIMEOUT: Final = 20.0
EPMD: Final = "Erlang's port mapper (epmd)"


class PrivateRabbitMQ(PrivateServer):
    """A RabbitMQ node and its port mapper (epmd)."""

    name = "RabbitMQ"

    def __init__(self, run: Run, folder: Path, executable: str) -> None:
        super().__init__(run, folder, executable)
        self._port, self._management, self._distribution, self._epmd_port = (free_port() for _ in range(4))
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def management_url(self) -> str:
        """Return the address of the management API."""
        return f"http://127.0.0.1:{self._management}"

    def start(self) -> None:
        """Start the port mapper unless it runs, then the node; return when the node accepts AMQP connections."""
        self._start_epmd()
        super().start()

    def stop(self) -> None:
        """Stop the node, then the port mapper."""
        super().stop()
        self._kill_epmd()

    def discard(self) -> None:
        """Kill the node and the port mapper."""
        super().discard()
        self._kill_epmd()

    def command(self) -> Sequence[str]:
        """Return the command, after writing the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
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
        return (self.executable,)

    def environment(self) -> Mapping[str, str]:
        """Return the variables that separate the node from others on the machine."""
        folder = str(self.folder)
        return {
            "HOME": folder,  # holds the cookie
            "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), *ERLANG_FOLDERS]),
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_NODENAME": "wxbus@localhost",  # unique: its port mapper has no other nodes
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
        """Return None if the node accepts an AMQP connection, else the reason. It answers pings earlier."""
        return probes.amqp_connect(self.url)

    def _start_epmd(self) -> None:
        """Start the port mapper as a child: Erlang itself would start it as a daemon, which stays."""
        if self._epmd is not None and self._epmd.poll() is None:
            return
        environment = self.environment()
        executable = shutil.which("epmd", path=environment["PATH"])
        if executable is None:
            raise StartFailed(f"RabbitMQ is installed, but {EPMD} is not on the path")
        self._epmd = self.spawn((executable, "-address", "127.0.0.1", "-port", str(self._epmd_port)), environment)
        self.wait_ready(lambda: probes.tcp_connect(self._epmd_port), self._epmd, timeout=EPMD_TIMEOUT, name=EPMD)

    def _kill_epmd(self) -> None:
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
