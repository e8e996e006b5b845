"""The limit of calls."""

from wxbus.errors import RpcFailure
from wxbus_gateway.services.limits import CallLimit


def refused(limit: CallLimit, remote: str) -> bool:
    """Count a call without a session; return whether it is refused."""
    try:
        limit.take(None, remote)
    except RpcFailure as failure:
        return failure.status == 429 and failure.retry_after == 1.0
    return False


def test_the_addresses_of_an_ipv6_customer_count_as_one() -> None:
    """A provider gives a customer a /64 at least; IPv4 addresses count one by one, and a missing one is an address."""
    limit = CallLimit(of_user=1.0, of_address=1.0, clock=lambda: 0.0)
    first = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.1", ""]
    assert [refused(limit, remote) for remote in first] == [False] * 5
    again = ["2001:db8::3", "192.0.2.1", "2001:db8:0:1::1", "192.0.2.2", ""]
    assert [refused(limit, remote) for remote in again] == [True, True, False, False, False]
