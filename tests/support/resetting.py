"""A server that accepts connections and resets them, as a TCP proxy in front of a dead server does, and both loops."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import uvloop

LOOPS: Final[dict[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
T = TypeVar("T")
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: `close` sends RST."""


def run_on(loop: str, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on an event loop of this kind."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(work)


@contextmanager
def resetting(
    says: bytes = b"", *, hears: int = 0, then: Callable[[socket.socket], object] | None = None
) -> Iterator[int]:
    """Yield the port of a server that reads some bytes of each connection, answers and resets it.

    `then` may do more with the connection before the reset.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the end of the test
                return
            with connection:
                try:
                    connection.settimeout(5.0)
                    if hears:
                        connection.recv(hears)
                    connection.sendall(says)
                    if then:
                        then(connection)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                except OSError:  # the client has closed it
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
