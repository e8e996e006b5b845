"""One call on its way through the server, over any transport."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel

from wxbus.features import Features
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.service.declaration import ServedMethod


@dataclass(slots=True)
class Call:
    """A call: the transport sets the first ten fields, the checks set the others."""

    service: str
    name: str
    """Of the method, as sent by the caller."""
    content_type: str
    credentials: str | None = field(repr=False)
    """The API key as sent; None without one."""
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    """Returns the body, which is read only for authorised callers. Raises RpcFailure 408 or 413."""
    accept: str | None = None
    """Formats that the caller accepts, as in an `Accept` header."""
    timeout: float | None = None
    """Seconds that the caller still waits; None if unknown."""
    subject: str | None = None
    """Subject of the caller's verified certificate (RFC 4514)."""
    remote: str = ""
    """Address of the caller; "" if unknown."""
    traceparent: str = ""
    """Trace context of the caller; "": the call begins a trace."""
    method: ServedMethod | None = None
    principal: Principal | None = None
    request: BaseModel | None = field(default=None, repr=False)
    answer_format: Serializer | None = None
    features: Features = field(default_factory=Features, repr=False)


@dataclass(slots=True)
class Answer:
    """The answer to a call; `status` is an HTTP status on every transport."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: float | None = None
    """Seconds after which the call may be repeated."""


CURRENT_CALL: ContextVar[Call] = ContextVar("wxbus_rpc_call")


def current_call() -> Call:
    """Return the current call, in a method and in the functions that it calls; raises LookupError outside of a call."""
    return CURRENT_CALL.get()


def current_principal() -> Principal:
    """Return the caller of the current call; raises LookupError outside of a call."""
    principal = current_call().principal
    if principal is None:
        raise LookupError("the call was not authenticated")
    return principal


def method_of(call: Call) -> ServedMethod:
    """Return the method of a call that was routed."""
    if call.method is None:
        raise RuntimeError("the check Route must come before this one")
    return call.method
