"""Listening sockets."""

import os
import socket

from wxbus.errors import ConfigurationError

BACKLOG = 1024


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host`; `::` includes IPv4, and `port=0` chooses a free port.

    Of a name with several addresses it uses the first IPv4 address, or the first one.

    Raises:
        ConfigurationError: The port is taken, or the host is not an address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda entry: entry[0] is not socket.AF_INET)
        both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as exc:
        # Errors of name resolution are negative, without a text of the system.
        reason = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror or str(exc)
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}") from exc
