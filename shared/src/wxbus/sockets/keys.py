"""Names of the Redis keys of WebSockets. The keys of a user share a hash tag, for Redis Cluster."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SocketKeys:
    """The keys of one installation."""

    namespace: str

    def of_user(self, appid: str, openid: str, kind: str) -> str:
        """Return a user's key of this kind: `pushes`, `pushes_state`, `push_ids`, `gateways`, `groups`."""
        return f"{self.namespace}:sockets:{{{appid}:{openid}}}:{kind}"

    def group(self, appid: str, name: str) -> str:
        """Return the key of a group's openids."""
        return f"{self.namespace}:sockets:group:{appid}:{name}"

    @property
    def alive(self) -> str:
        """Gateways by the end of their lease."""
        return f"{self.namespace}:sockets:alive"

    def connections(self, gateway: str) -> str:
        """Return the key of a gateway's connections."""
        return f"{self.namespace}:sockets:connections:{gateway}"

    def channel(self, gateway: str) -> str:
        """Return the channel of a gateway, on which users with new pushes are announced."""
        return f"{self.namespace}:sockets:pushed:{gateway}"
