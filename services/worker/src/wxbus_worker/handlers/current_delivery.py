"""The delivery that is being handled, available anywhere below a handler."""

from contextvars import ContextVar
from dataclasses import dataclass

from wxbus.telemetry import trace_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentDelivery:
    """Facts about the delivery that is being handled. It cannot be settled from here."""

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
    """Another worker received it before and did not finish."""
    replay: bool
    """An operator replayed it from the dead letters."""
    traceparent: str
    """W3C trace context, for calls to other services."""

    @property
    def trace_id(self) -> str:
        """Return the 32 digits of the trace id."""
        return trace_id(self.traceparent)


CURRENT: ContextVar[CurrentDelivery] = ContextVar("wxbus_current_delivery")


def current_delivery() -> CurrentDelivery:
    """Return the delivery that is being handled.

    Raises:
        LookupError: The call is not below a handler.
    """
    try:
        return CURRENT.get()
    except LookupError:
        raise LookupError("no delivery is being handled: call current_delivery() below a handler") from None
