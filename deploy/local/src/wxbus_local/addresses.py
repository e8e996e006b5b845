"""Where each service of a local stack listens."""

from dataclasses import dataclass

from wxbus_local.ports import preferred_port


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
    def choose(cls, *, workers: int) -> "Addresses":
        """Return the usual ports, and free ones in place of those that are taken."""
        return cls(
            ingress=preferred_port(8080),
            ingress_admin=preferred_port(9080),
            token=preferred_port(8081),
            token_admin=preferred_port(9081),
            sandbox=preferred_port(8082),
            workers_admin=tuple(preferred_port(9082 + number) for number in range(workers)),
        )

    @property
    def sandbox_url(self) -> str:
        """Return where the stand-in for WeChat is."""
        return url(self.sandbox)

    @property
    def places(self) -> dict[str, str]:
        """Return where a person finds each part, by its name in the Procfile."""
        return {
            "token": url(self.token),
            "ingress": url(self.ingress),
            **{f"worker.{number}": f"{url(port)} (admin)" for number, port in enumerate(self.workers_admin, start=1)},
            "sandbox": self.sandbox_url,
        }

    @property
    def probes(self) -> dict[str, str]:
        """Return what answers 200 when a part is ready, by the part's name in the Procfile."""
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
