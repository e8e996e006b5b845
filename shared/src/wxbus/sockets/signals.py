"""Names of the signals that gateways post into users' lanes."""

from typing import Final

MESSAGE_PREFIX: Final = "socket:"
"""Prefix of a signal's name, before the client's name of the message."""
CONNECTED: Final = "socket-connected"
DISCONNECTED: Final = "socket-disconnected"
OPTIONAL: Final = frozenset({CONNECTED, DISCONNECTED})
"""Signals that need no handler."""
