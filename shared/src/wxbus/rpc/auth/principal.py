"""The authenticated caller."""

from dataclasses import dataclass

from wxbus.rpc.auth.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a method."""

    name: str
    scopes: tuple[Scope, ...]
    key: str = ""
    """Public prefix of the API key, or subject of the certificate."""
