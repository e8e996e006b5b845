"""The processes of a local stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wxbus_local.stack.addresses import Addresses


@dataclass(frozen=True, slots=True)
class Part:
    """One process: what a shell runs, and what its environment has besides that of all."""

    command: str
    environment: Mapping[str, str] = field(default_factory=dict)


def parts(addresses: Addresses, *, sandbox: bool, reload: bool) -> dict[str, Part]:
    """Return the parts by name.

    Args:
        addresses: There are as many workers as they have ports for.
        sandbox: Whether there is a stand-in for WeChat.
        reload: Whether workers start again when the handlers change.
    """
    found = {"token": Part("exec python -m wxbus_token"), "ingress": Part("exec python -m wxbus_ingress")}
    command = "exec python -m wxbus_worker" + " --reload" * reload
    for number, port in enumerate(addresses.workers_admin, start=1):
        found[f"worker.{number}"] = Part(command, {"WXBUS_WORKER_ADMIN_PORT": str(port)})
    if sandbox:
        found["sandbox"] = Part("exec python -m wxbus_sandbox")
    return found
