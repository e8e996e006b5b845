"""Limits the calls of each user, and those without a session of each address."""

import time
from collections.abc import Callable

from wxbus.aio.buckets import Buckets
from wxbus.errors import RpcFailure
from wxbus.rpc.service.call import Call
from wxbus_gateway.sessions.session import Session

BURST = 2.0
"""Seconds whose calls may come at once."""


class CallLimit:
    """A check that refuses calls over the rate, counted in this process only."""

    def __init__(self, *, of_user: float, of_address: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Both are calls a second."""
        self._users: Buckets[int] = Buckets(of_user, max(1.0, of_user * BURST), clock=clock)
        self._addresses: Buckets[str] = Buckets(of_address, max(1.0, of_address * BURST), clock=clock)

    def __call__(self, call: Call) -> None:
        """Refuse with 429 and the seconds until the next call is accepted."""
        session = call.features.get(Session)
        wait = self._addresses.take(call.remote) if session is None else self._users.take(session.user_id)
        if wait:
            raise RpcFailure(429, "Too many calls", retry_after=wait)
