"""Networks and addresses in settings."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator


def _network(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(text))
    except ValueError as exc:
        raise ValueError(f"{text} is neither an address nor a network") from exc


Network: TypeAlias = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
"""A network, or a single address."""
