"""The processes of a local stack."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wxbus_local.stack.addresses import Addresses


@dataclass(frozen=True, slots=True)
class Service:
    """A process to run."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that only this process gets."""


def services(addresses: Addresses, *, gateway_app: str, sandbox: bool, reload: bool) -> dict[str, Service]:
    """Return the services by name: one worker for each worker port, the sandbox if asked for.

    With `reload` the workers restart when their handlers change, and the gateway when its services do.
    """
    found = {"token": Service(_module("wxbus_token")), "ingress": Service(_module("wxbus_ingress"))}
    worker = _module("wxbus_worker", *["--reload"] * reload)
    for number, (port, admin) in enumerate(zip(addresses.workers, addresses.workers_admin, strict=True), start=1):
        ports = {"WXBUS_WORKER_PORT": str(port), "WXBUS_WORKER_ADMIN_PORT": str(admin)}
        found[f"worker.{number}"] = Service(worker, ports)
    found["gateway"] = Service(_module("wxbus_gateway", *["--reload"] * (reload and bool(gateway_app))))
    if sandbox:
        found["sandbox"] = Service(_module("wxbus_sandbox"))
    return found


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]
