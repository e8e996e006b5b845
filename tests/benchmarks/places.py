"""Where a benchmark finds its servers: real ones, with names of its own on them; and what it starts itself."""

import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import Service, serving
from wxbus_local.guard import Run


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of RabbitMQ and Redis, and a namespace for this run."""

    run: Run
    """Guards what is started."""
    folder: Path
    """For files and logs."""
    amqp_url: str
    redis_url: str
    namespace: str = field(default_factory=lambda: f"bench{secrets.token_hex(4)}")

    def environment(self) -> dict[str, str]:
        """Return the variables that point a service there."""
        return {
            "WXBUS_AMQP_URL": self.amqp_url,
            "WXBUS_REDIS_URL": self.redis_url,
            "WXBUS_NAMESPACE": self.namespace,
            "WXBUS_LOG_LEVEL": "warning",
        }

    def serving(
        self, module: str, *arguments: str, port: int, env: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Service]:
        """Run `python -m MODULE ARGUMENTS` while the block runs; starts the block when `port` listens."""
        command = ("-m", module, *arguments)
        return serving(Service(self.run, module, command, port=port, folder=self.folder, env=env))
