"""The interface of every started RabbitMQ and Redis."""

import time
from collections.abc import Callable
from typing import Final, Protocol

from wxbus_local.errors import StartFailed

START_TIMEOUT: Final = 60.0
POLL: Final = 0.1
LAST_LINES: Final = 12
"""Lines of a server's log that an error shows."""


class Server(Protocol):
    """A RabbitMQ or Redis that we started. Calls block: coroutines use `asyncio.to_thread`."""

    @property
    def url(self) -> str:
        """Return the address, which a restart does not change."""
        ...

    @property
    def management_url(self) -> str | None:
        """Return the address of RabbitMQ's management API, for the user and password of `url`."""
        ...

    @property
    def description(self) -> str:
        """Return a text that names the program or image."""
        ...

    def alive(self) -> bool:
        """Return whether it runs; a frozen server does."""
        ...

    def start(self) -> None:
        """Start it with the data of its previous run; return when it answers.

        Raises:
            StartFailed: It ended, or did not answer in time.
        """
        ...

    def kill(self) -> None:
        """Send SIGKILL, as in a crash."""
        ...

    def freeze(self) -> None:
        """Send SIGSTOP: connections stay open, but nothing answers."""
        ...

    def thaw(self) -> None:
        """Send SIGCONT."""
        ...

    def stop(self) -> None:
        """Stop it gracefully, so that it can be started again; works for killed and frozen servers, too."""
        ...

    def discard(self) -> None:
        """End it at once, in any state. A container loses its data; a program's data stays in its folder."""
        ...


def wait_ready(probe: Callable[[], str | None], *, alive: Callable[[], bool], timeout: float, name: str) -> None:
    """Return when `probe` returns None; otherwise it returns the reason why the server is not ready.

    Raises:
        StartFailed: The server is not alive, or not ready after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while (reason := probe()) is not None:
        if not alive():
            raise StartFailed(f"{name} ended while starting")
        if time.monotonic() > deadline:
            raise StartFailed(f"{name} was not ready in {timeout:.0f} s: {reason}")
        time.sleep(POLL)
