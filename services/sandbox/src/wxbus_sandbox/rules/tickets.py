"""Tickets of web pages and cards (protocol reference 8.2): the same one until its time is over."""

import secrets
from dataclasses import dataclass

from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.tokens import Issued
from wxbus_sandbox.settings import Rules

TYPES = frozenset({"jsapi", "wx_card"})


@dataclass(frozen=True, slots=True)
class _Ticket:
    value: str
    expires_at: float


class Tickets:
    """Tickets of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._lifetime = rules.token_lifetime
        self._tickets: dict[tuple[str, str], _Ticket] = {}

    def fetch(self, appid: str, ticket_type: str) -> Issued:
        """Return the account's ticket.

        Raises:
            Refusal: 40097: there is no such type.
        """
        if ticket_type not in TYPES:
            raise Refusal(40097)
        now, key = self._clock.now(), (appid, ticket_type)
        ticket = self._tickets.get(key)
        if ticket is None or now >= ticket.expires_at:
            ticket = self._tickets[key] = _Ticket(f"ticket-{secrets.token_urlsafe(48)}", now + self._lifetime)
        return Issued(ticket.value, round(ticket.expires_at - now))

    def reset(self) -> None:
        """Forget all tickets: the next ones are others."""
        self._tickets.clear()
