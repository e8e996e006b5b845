"""Limits the calls of each user, and the calls of each address without a session."""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.service.call import Call
from wxbus_gateway.sessions.session import Session

BURST: Final = 2.0
"""Seconds whose calls may come at once."""
IPV6_PREFIX: Final = 64
"""Bits of an IPv6 address that identify a provider's customer, who may use all addresses below."""


class CallLimit:
    """A check that refuses calls over the rate, counted in this process only."""

    def __init__(self, *, of_user: float, of_address: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Both are calls a second."""
        self._users: Buckets[int] = Buckets(of_user, max(1.0, of_user * BURST), clock=clock)
        self._addresses: Buckets[str] = Buckets(of_address, max(1.0, of_address * BURST), clock=clock)

    def __call__(self, call: Call) -> None:
        """Refuse with 429 and the seconds until the next call is accepted."""
        self.take(call.features.get(Session), call.remote)

    def take(self, session: Session | None, remote: str) -> None:
        """Count a call; raises RpcFailure 429 with the seconds until the next one is accepted."""
        wait = self._addresses.take(_customer(remote)) if session is None else self._users.take(session.user_id)
        if wait:
            raise RpcFailure(429, "Too many calls", retry_after=wait)


def _customer(remote: str) -> str:
    if ":" not in remote:
        return remote
    address = ip_address(remote)
    return str(ip_network((int(address), IPV6_PREFIX), strict=False)) if isinstance(address, IPv6Address) else remote
