"""One call on its way through the server, whatever transport it came by."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel

from wxbus.features import Features
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.service.declaration import Method


@dataclass(slots=True)
class Call:
    """A call: the transport fills the first nine, the stages the rest, each its own."""

    service: str
    name: str
    """Of the method, as the caller wrote it."""
    content_type: str
    credentials: str | None = field(repr=False)
    """The API key as it came; None if none came."""
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    """Returns the body; it is read only for a caller who may call. Raises RpcFailure 408 or 413."""
    accept: str | None = None
    """Formats that the caller takes, as an `Accept` header has them."""
    timeout: float | None = None
    """Seconds that the caller still waits, if the transport knows."""
    subject: str | None = None
    """Of the caller's certificate, if the transport checked one; as RFC 4514 writes it."""
    remote: str = ""
    """Address that the call comes from, if the transport knows."""
    method: Method | None = None
    principal: Principal | None = None
    request: BaseModel | None = field(default=None, repr=False)
    answer_format: Serializer | None = None
    features: Features = field(default_factory=Features, repr=False)


@dataclass(slots=True)
class Answer:
    """What the transport sends back; `status` is that of HTTP on every transport."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: float | None = None
    """Seconds after which the call may be repeated."""


CURRENT_CALL: ContextVar[Call] = ContextVar("wxbus_rpc_call")


def current_call() -> Call:
    """Return the call in hand, anywhere below a method; LookupError outside of one."""
    return CURRENT_CALL.get()


def current_principal() -> Principal:
    """Return who makes the call in hand, in a method and anywhere below it; LookupError outside of a call."""
    principal = current_call().principal
    if principal is None:
        raise LookupError("the call was not authenticated")
    return principal


def method_of(call: Call) -> Method:
    """Return the method of a call that was routed."""
    if call.method is None:
        raise RuntimeError("the check Route must stand before this one")
    return call.method
