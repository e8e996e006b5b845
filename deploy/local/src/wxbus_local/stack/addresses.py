"""The ports of a local stack."""

from dataclasses import dataclass
from typing import Final

from wxbus.errors import ConfigurationError
from wxbus_local.servers.ports import free_port, is_free, take_port
from wxbus_local.settings import LocalSettings

DEFAULT_SANDBOX_PORT: Final = 8082


@dataclass(frozen=True, slots=True)
class Addresses:
    """Ports on 127.0.0.1."""

    ingress: int
    ingress_admin: int
    token: int
    token_admin: int
    gateway: int
    gateway_admin: int
    sandbox: int
    workers: tuple[int, ...]
    workers_admin: tuple[int, ...]

    @classmethod
    def choose(cls, settings: LocalSettings) -> "Addresses":
        """Return the ports that are set, else the default ports, or free ports where the default ports are taken.

        Raises:
            ConfigurationError: A port is set but taken.
        """
        first, first_admin = settings.worker_port, settings.worker_admin_port
        numbers = range(settings.local_workers)
        return cls(
            ingress=_port("WXBUS_INGRESS_PORT", settings.ingress_port, 8080),
            ingress_admin=_port("WXBUS_INGRESS_ADMIN_PORT", settings.ingress_admin_port, 9080),
            token=_port("WXBUS_TOKEN_PORT", settings.token_port, 8081),
            token_admin=_port("WXBUS_TOKEN_ADMIN_PORT", settings.token_admin_port, 9081),
            gateway=_port("WXBUS_GATEWAY_PORT", settings.gateway_port, 8083),
            gateway_admin=_port("WXBUS_GATEWAY_ADMIN_PORT", settings.gateway_admin_port, 9089),
            sandbox=_port("WXBUS_SANDBOX_PORT", settings.sandbox_port, DEFAULT_SANDBOX_PORT),
            workers=tuple(_port("WXBUS_WORKER_PORT", first and first + number, 8084 + number) for number in numbers),
            workers_admin=tuple(
                _port("WXBUS_WORKER_ADMIN_PORT", first_admin and first_admin + number, 9082 + number)
                for number in numbers
            ),
        )

    @property
    def sandbox_url(self) -> str:
        """Return the sandbox's address."""
        return url(self.sandbox)

    @property
    def gateway_url(self) -> str:
        """Return the address of Mini Programs."""
        return url(self.gateway)

    @property
    def by_service(self) -> dict[str, str]:
        """Return each service's address, to show to the user."""
        return {
            "token": url(self.token),
            "ingress": url(self.ingress),
            **{f"worker.{number}": url(port) for number, port in enumerate(self.workers, start=1)},
            "gateway": self.gateway_url,
            "sandbox": self.sandbox_url,
        }

    @property
    def probes(self) -> dict[str, str]:
        """Return the address of each service that answers 200 when the service is ready."""
        return {
            "token": f"{url(self.token_admin)}/readyz",
            "ingress": f"{url(self.ingress_admin)}/readyz",
            **{f"worker.{number}": f"{url(port)}/readyz" for number, port in enumerate(self.workers_admin, start=1)},
            "gateway": f"{url(self.gateway_admin)}/readyz",
            "sandbox": f"{self.sandbox_url}/",
        }

    def environment(self) -> dict[str, str]:
        """Return the variables with these addresses, except the workers' ports."""
        return {
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": str(self.ingress),
            "WXBUS_INGRESS_ADMIN_PORT": str(self.ingress_admin),
            "WXBUS_TOKEN_PORT": str(self.token),
            "WXBUS_TOKEN_ADMIN_PORT": str(self.token_admin),
            "WXBUS_WORKER_TOKEN_URL": url(self.token),
            "WXBUS_GATEWAY_PORT": str(self.gateway),
            "WXBUS_GATEWAY_ADMIN_PORT": str(self.gateway_admin),
            "WXBUS_GATEWAY_TOKEN_URL": url(self.token),
            "WXBUS_SANDBOX_PORT": str(self.sandbox),
            "WXBUS_SANDBOX_INGRESS_URL": url(self.ingress),
            "WXBUS_SANDBOX_GATEWAY_URL": self.gateway_url,
        }


def url(port: int) -> str:
    """Return the address of a port on 127.0.0.1."""
    return f"http://127.0.0.1:{port}"


def _port(variable: str, setting: int | None, default: int) -> int:
    if setting is None:
        return default if take_port(default) else free_port()
    if not is_free(setting):
        raise ConfigurationError(f"{variable}: port {setting} is taken by another program")
    return setting
