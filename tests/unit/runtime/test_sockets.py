"""Listening sockets."""

import socket
from collections.abc import Iterator
from contextlib import closing

import aiohttp
import pytest

from wxbus.errors import ConfigurationError
from wxbus.runtime.admin import build_admin, listening
from wxbus.runtime.sockets import listening_socket


def reached(port: int) -> Iterator[str]:
    """Yield the loopback addresses that accept a connection."""
    for address in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((address, port), timeout=10).close()
        except OSError:
            continue
        yield address


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("0.0.0.0", ["127.0.0.1"]),  # noqa: S104 - this test's own port
        ("localhost", ["127.0.0.1"]),
        pytest.param("::1", ["::1"], marks=needs_ipv6),
        pytest.param("::", ["127.0.0.1", "::1"], marks=needs_ipv6),
    ],
)
def test_the_addresses_of_a_host(host: str, addresses: list[str]) -> None:
    """`::` listens on both families, an address on itself, a name on its IPv4 address."""
    with closing(listening_socket(host, 0)) as listener:
        assert list(reached(listener.getsockname()[1])) == addresses


@needs_ipv6
async def test_the_unspecified_address_has_both_families() -> None:
    """The hosts of all ports accept `::`, like `WXBUS_INGRESS_HOST`."""
    async with listening(build_admin({}), host="::", port=0) as port, aiohttp.ClientSession() as http:
        for address in ("127.0.0.1", "[::1]"):
            async with http.get(f"http://{address}:{port}/healthz") as answer:
                assert answer.status == 200


def test_an_address_of_another_machine_is_an_error() -> None:
    """The error has the address and the reason."""
    with pytest.raises(ConfigurationError, match=r"cannot listen on 203\.0\.113\.1:0: Cannot assign"):
        listening_socket("203.0.113.1", 0)
