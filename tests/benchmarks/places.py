"""Where a benchmark finds its servers: real ones, with names of its own on them."""

import secrets
import socket
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of RabbitMQ and Redis, and a namespace for this run."""

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

    @staticmethod
    def free_port() -> int:
        """Return a port that nobody listens on."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
