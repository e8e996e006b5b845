"""The address of a client behind our own proxies."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Protocol, TypeAlias

from multidict import CIMultiDict, CIMultiDictProxy

from wxbus.config.networks import Network

FORWARDED: Final = "X-Forwarded-For"

Address: TypeAlias = IPv4Address | IPv6Address


class PeerRequest(Protocol):
    """The part of a request that names its peer."""

    @property
    def remote(self) -> str | None:
        """Return the address of the peer."""

    @property
    def headers(self) -> CIMultiDict[str] | CIMultiDictProxy[str]:
        """Return the header fields."""


def client_address(request: PeerRequest, proxies: Iterable[Network]) -> Address:
    """Return the client's address; behind trusted proxies, the address from which the first proxy got the request.

    Raises:
        ValueError: A proxy's `X-Forwarded-For` contains an invalid address.
    """
    address = _parse(request.remote or "")
    if within(address, proxies):
        hops = [hop.strip() for line in request.headers.getall(FORWARDED, []) for hop in line.split(",")]
        while hops and within(address, proxies):
            address = _parse(_without_port(hops.pop()))
    return address


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Return whether an address is in one of the networks."""
    return any(address in network for network in networks)


def _without_port(hop: str) -> str:
    """Return the address of `1.2.3.4:5678`, `[2001:db8::1]:5678` or `[2001:db8::1]`, as some proxies write it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=1024)
def _parse(text: str) -> Address:
    address = ip_address(text)
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
