"""All errors of wxbus in one tree. The branch decides the reaction.

WxbusError
├── ConfigurationError    the process does not start; the text names the setting
├── CallbackRejected      ingress responds with `status` and one line; nothing is published
│   ├── MalformedCallback     400
│   ├── Forbidden             403, the same text for all cryptographic failures
│   ├── UnknownAccount        404
│   ├── CallbackTimeout       408
│   └── CallbackTooLarge      413
├── Unavailable           a dependency does not respond: retry, or use the fallback
│   ├── BrokerUnavailable
│   ├── SpoolUnavailable
│   ├── Overloaded            ingress has reached its memory limits
│   ├── StoreUnavailable
│   ├── TokenUnavailable
│   │   └── TokenRefused      an operator must act; a retry alone does not help
│   ├── RpcUnavailable
│   └── WeChatUnavailable     WeChat may have executed the call
│       └── WeChatUnreachable     no connection: WeChat has not executed the call
├── RetryLater            the worker schedules a retry of the delivery
├── Reject                the worker dead-letters the delivery at once
│   └── UnreadableEnvelope
├── WeChatError           WeChat returned an errcode; `policy` is the reaction of wxbus. Unknown codes have this class
│   ├── TokenInvalid          the new token was rejected as well: another program fetches tokens of this account
│   ├── ServerBusy            try again later; a message may have been sent (-1)
│   ├── RateLimited           try again after `code.wait` seconds
│   ├── QuotaExceeded         no more calls today, this month, or ever
│   ├── OutOfWindow           the user must write first, or use a subscription message
│   ├── UserRefused           give up on this user, continue with others
│   ├── LoginRequired         the user must log in again, or the owner authorise the platform again
│   ├── NotPermitted          an operator must act in WeChat's console: permission, IP address, secret, penalty
│   └── BadRequest            the program must change: arguments or content are wrong
└── RpcFailure            an RPC call failed with `status` and a problem document
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar

from wxbus.errors.base import WxbusError as WxbusError
from wxbus.errors.wechat import BadRequest as BadRequest
from wxbus.errors.wechat import LoginRequired as LoginRequired
from wxbus.errors.wechat import NotPermitted as NotPermitted
from wxbus.errors.wechat import OutOfWindow as OutOfWindow
from wxbus.errors.wechat import QuotaExceeded as QuotaExceeded
from wxbus.errors.wechat import RateLimited as RateLimited
from wxbus.errors.wechat import ServerBusy as ServerBusy
from wxbus.errors.wechat import TokenInvalid as TokenInvalid
from wxbus.errors.wechat import UserRefused as UserRefused
from wxbus.errors.wechat import WeChatError as WeChatError

E = TypeVar("E", bound=BaseException)

TRANSPORT_CLOSED: Final = (OSError, EOFError, RuntimeError)
"""Errors of asyncio, uvloop and libraries for a transport that is closed, closing or not connected.

uvloop raises RuntimeError ("the handler is closed") where asyncio raises an OSError. TimeoutError and TLS errors are
OSErrors; a truncated stream raises EOFError.
"""


def copy_error(error: E) -> E:
    """Return a copy of an error that several callers share, with its traceback.

    Each raise adds frames to the traceback of the error object, so a shared object would grow without limit.
    """
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.__cause__, copy.__context__ = error.__cause__, error.__context__
    copy.__suppress_context__ = error.__suppress_context__
    return copy.with_traceback(error.__traceback__)


class ConfigurationError(WxbusError):
    """A setting or a file is invalid; the text names it and the valid values."""


class CallbackRejected(WxbusError):
    """The request is not an acceptable callback; the sender gets the text as one line."""

    status: ClassVar[int] = 400


class MalformedCallback(CallbackRejected):
    """The body is not XML or JSON of WeChat's shape, or exceeds a limit."""


class Forbidden(CallbackRejected):
    """Signature, encryption, receive id, mode or time is wrong; the sender does not learn which."""

    status = 403

    def __init__(self, reason: str) -> None:
        """`reason` is only logged; the sender always gets the same text (no oracle)."""
        super().__init__("the signature is not valid")
        self.reason = reason


class UnknownAccount(CallbackRejected):
    """The account is not in the accounts file."""

    status = 404


class CallbackTimeout(CallbackRejected):
    """The body did not arrive in time."""

    status = 408


class CallbackTooLarge(CallbackRejected):
    """The body exceeds the limit."""

    status = 413


class Unavailable(WxbusError):
    """A dependency does not respond; the outcome is open."""


class BrokerUnavailable(Unavailable):
    """No confirm from RabbitMQ in time; the message may have arrived."""


class SpoolUnavailable(Unavailable):
    """The spool on the disk of ingress is full, or the disk failed."""


class Overloaded(Unavailable):
    """Ingress has reached a limit of concurrent work; the sender should retry."""


class StoreUnavailable(Unavailable):
    """No response from Redis in time; a write may have been executed."""


class TokenUnavailable(Unavailable):
    """There is no valid access token of the account now; a retry after `retry_after` seconds may succeed."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenRefused(TokenUnavailable):
    """There is no token until an operator acts: wrong secret, IP address not allowed, API key rejected."""

    def __init__(
        self, message: str, *, errcode: int | None = None, retry_after: float | None = None, state: str = ""
    ) -> None:
        """`errcode` is that of WeChat, if there is one; `state` is a short reason such as `wrong_secret`."""
        super().__init__(message, retry_after=retry_after)
        self.errcode = errcode
        self.state = state


class RpcUnavailable(Unavailable):
    """No response from the service in time; the call may have had its effect."""


class WeChatUnavailable(Unavailable):
    """No valid response from WeChat's API in time; the call may have had its effect."""


class WeChatUnreachable(WeChatUnavailable):
    """No connection to WeChat's API: the call had no effect."""


class RetryLater(WxbusError):
    """Raised by a handler to be called again after this time (None: by the route's retry policy)."""

    def __init__(self, reason: str = "", *, after: timedelta | None = None) -> None:
        if after is not None and not isinstance(after, timedelta):
            raise TypeError(f"RetryLater(after=...) must be a timedelta, not {after!r}")
        super().__init__(reason)
        self.after = after


class Reject(WxbusError):
    """Raised by a handler or a stage: no attempt can succeed; the message is dead-lettered with this reason."""


class UnreadableEnvelope(Reject):
    """The message in the queue is not an envelope of wxbus."""


class RpcFailure(WxbusError):
    """An RPC call failed; the fields are those of the problem document (RFC 9457)."""

    def __init__(
        self,
        status: int,
        title: str,
        *,
        detail: str = "",
        type_uri: str = "about:blank",
        retry_after: float | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """`errors` names the invalid parts of the request (422), without their values."""
        super().__init__(f"{status} {title}{': ' + detail if detail else ''}")
        self.status = status
        self.title = title
        self.detail = detail
        self.type_uri = type_uri
        self.retry_after = retry_after
        self.errors = tuple(errors)
