"""Sockets that servers listen on."""

import os
import socket

from wxbus.errors import ConfigurationError

BACKLOG = 1024


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens at `host`; `::` takes IPv4 too, and `port=0` takes a free port.

    A name with several addresses stands for the first of them, an IPv4 one if there is any.

    Raises:
        ConfigurationError: The port is taken, or the host is none of ours.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda one: one[0] is not socket.AF_INET)
        both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as exc:
        # A name's errors are below zero, and have no text of the system's.
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror or str(exc)
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}") from exc
