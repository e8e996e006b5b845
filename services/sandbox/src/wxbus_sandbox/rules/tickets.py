"""Tickets of web pages and cards, which stay the same until they expire (protocol reference 8.2)."""

import secrets
from dataclasses import dataclass

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import Issued
from wxbus_sandbox.settings import Rules

TYPES = frozenset({"jsapi", "wx_card", "agent_config"})


@dataclass(frozen=True, slots=True)
class _Ticket:
    value: str
    expires_at: float


class Tickets:
    """The tickets of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.token_lifetime
        self._tickets: dict[tuple[str, str], _Ticket] = {}

    def fetch(self, appid: str, ticket_type: str) -> Issued:
        """Return the account's ticket.

        Raises:
            ApiError: 40097: unknown type.
        """
        if ticket_type not in TYPES:
            raise ApiError(40097)
        now, key = self._clock.now(), (appid, ticket_type)
        ticket = self._tickets.get(key)
        if ticket is None or now >= ticket.expires_at:
            ticket = self._tickets[key] = _Ticket(f"ticket-{secrets.token_urlsafe(48)}", now + self._lifetime)
        return Issued(ticket.value, round(ticket.expires_at - now))

    def reset(self) -> None:
        """Remove all tickets."""
        self._tickets.clear()
