"""Where each service of a local stack listens."""

from dataclasses import dataclass

from wxbus.errors import ConfigurationError
from wxbus_local.servers.ports import is_free, preferred_port
from wxbus_local.settings import LocalSettings


@dataclass(frozen=True, slots=True)
class Addresses:
    """Ports on 127.0.0.1."""

    ingress: int
    ingress_admin: int
    token: int
    token_admin: int
    sandbox: int
    workers_admin: tuple[int, ...]

    @classmethod
    def choose(cls, settings: LocalSettings) -> "Addresses":
        """Return the ports that are set; else the usual ones, and free ones in place of those that are taken.

        Raises:
            ConfigurationError: A port that is set is taken.
        """
        first = settings.worker_admin_port
        return cls(
            ingress=_port("WXBUS_INGRESS_PORT", settings.ingress_port, 8080),
            ingress_admin=_port("WXBUS_INGRESS_ADMIN_PORT", settings.ingress_admin_port, 9080),
            token=_port("WXBUS_TOKEN_PORT", settings.token_port, 8081),
            token_admin=_port("WXBUS_TOKEN_ADMIN_PORT", settings.token_admin_port, 9081),
            sandbox=_port("WXBUS_SANDBOX_PORT", settings.sandbox_port, 8082),
            workers_admin=tuple(
                _port("WXBUS_WORKER_ADMIN_PORT", first and first + number, 9082 + number)
                for number in range(settings.local_workers)
            ),
        )

    @property
    def sandbox_url(self) -> str:
        """Return where the stand-in for WeChat is."""
        return url(self.sandbox)

    @property
    def places(self) -> dict[str, str]:
        """Return where a person finds each part, by its name."""
        return {
            "token": url(self.token),
            "ingress": url(self.ingress),
            **{f"worker.{number}": f"{url(port)} (admin)" for number, port in enumerate(self.workers_admin, start=1)},
            "sandbox": self.sandbox_url,
        }

    @property
    def probes(self) -> dict[str, str]:
        """Return what answers 200 when a part is ready, by the part's name."""
        return {
            "token": f"{url(self.token_admin)}/readyz",
            "ingress": f"{url(self.ingress_admin)}/readyz",
            **{f"worker.{number}": f"{url(port)}/readyz" for number, port in enumerate(self.workers_admin, start=1)},
            "sandbox": f"{self.sandbox_url}/",
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that tell the services, the workers' own ports aside."""
        return {
            "WXBUS_INGRESS_HOST": "127.0.0.1",
            "WXBUS_INGRESS_PORT": str(self.ingress),
            "WXBUS_INGRESS_ADMIN_PORT": str(self.ingress_admin),
            "WXBUS_TOKEN_PORT": str(self.token),
            "WXBUS_TOKEN_ADMIN_PORT": str(self.token_admin),
            "WXBUS_WORKER_TOKEN_URL": url(self.token),
            "WXBUS_SANDBOX_PORT": str(self.sandbox),
            "WXBUS_SANDBOX_INGRESS_URL": url(self.ingress),
        }


def url(port: int) -> str:
    """Return the address of a port of this machine."""
    return f"http://127.0.0.1:{port}"


def _port(variable: str, wanted: int | None, usual: int) -> int:
    if wanted is None:
        return preferred_port(usual)
    if not is_free(wanted):
        raise ConfigurationError(f"{variable}: port {wanted} is taken by another program")
    return wanted
