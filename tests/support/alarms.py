"""RabbitMQ's memory alarm, which blocks publishers (RabbitMQ and Redis reference 5)."""

import os
import subprocess
from pathlib import Path

from wxbus_local.servers.containers import ContainerServer
from wxbus_local.servers.rabbitmq import PrivateRabbitMQ
from wxbus_local.servers.server import Server

WATERMARK = "set_vm_memory_high_watermark"


def raise_memory_alarm(server: Server) -> None:
    """Raise the memory alarm of a private RabbitMQ."""
    _rabbitmqctl(server, WATERMARK, "absolute", "1000000")


def clear_memory_alarm(server: Server) -> None:
    """Clear the memory alarm."""
    _rabbitmqctl(server, WATERMARK, "0.4")


def _rabbitmqctl(server: Server, *arguments: str) -> None:
    if isinstance(server, PrivateRabbitMQ):
        program = str(Path(server.executable).with_name("rabbitmqctl"))
        env = {**os.environ, **server.environment()}
        subprocess.run([program, *arguments], env=env, check=True, capture_output=True, timeout=180)
    elif isinstance(server, ContainerServer):
        code, said = server._container.get_wrapped_container().exec_run(["rabbitmqctl", *arguments])
        assert code == 0, said
    else:
        raise TypeError(f"{type(server).__name__} is no RabbitMQ of ours")
