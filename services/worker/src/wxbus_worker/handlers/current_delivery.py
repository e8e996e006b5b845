"""The delivery in hand, wherever below a handler one is."""

from contextvars import ContextVar
from dataclasses import dataclass

from wxbus.telemetry import trace_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentDelivery:
    """What is known of the delivery that is being handled; it cannot be settled from here."""

    id: str
    """Id of the accepted request; the same at every attempt."""
    attempt: int
    """1 at first, one more after each retry."""
    account: str
    """The account's name in the accounts file."""
    appid: str
    openid: str | None
    """None for system events."""
    lane: str
    received_at: float
    """Seconds since the epoch, on ingress's clock."""
    redelivered: bool
    """Another worker had it in hand before and did not finish."""
    replay: bool
    """An operator sent it again from the dead letters."""
    traceparent: str
    """W3C trace context, for calls to other services."""

    @property
    def trace_id(self) -> str:
        """Return the 32 digits that name the trace."""
        return trace_id(self.traceparent)


CURRENT: ContextVar[CurrentDelivery] = ContextVar("wxbus_current_delivery")


def current_delivery() -> CurrentDelivery:
    """Return the delivery in hand.

    Raises:
        LookupError: There is none here: it is called outside of a handler.
    """
    try:
        return CURRENT.get()
    except LookupError:
        raise LookupError("there is no delivery in hand: call current_delivery() below a handler") from None
