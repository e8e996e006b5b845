"""Who is connected, in tests of handlers."""

from collections.abc import Container

from wxbus.sockets.presence import Presence


class FixedPresence(Presence):
    """The users whom a test names."""

    def __init__(self, connected: Container[str]) -> None:
        """`connected` has the openids of the users who have a socket."""
        self._connected = connected

    async def is_connected(self, appid: str, openid: str) -> bool:  # noqa: ARG002 - a test has one account
        """Return whether the test has connected the user."""
        return openid in self._connected
