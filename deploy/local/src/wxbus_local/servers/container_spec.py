"""How servers run as containers, and the errors if they cannot; `containers` starts them and takes longer to import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wxbus_local.errors import StartFailed


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """How to run a server as a container."""

    image: str
    port: int
    url: str
    """The address, with `{host}` and `{port}`."""
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    management_port: int | None = None
    """Of RabbitMQ's management API."""


class NoEngine(StartFailed):
    """No Docker engine answers."""


class NoImage(StartFailed):
    """The engine does not have the image and cannot pull it."""
