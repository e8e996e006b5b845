"""Every error we raise, as one tree. The branch decides what happens next.

WxbusError
├── ConfigurationError    the process refuses to start and names the setting
├── CallbackRejected      ingress answers `status` with one line; nothing is queued
│   ├── MalformedCallback     400
│   ├── Forbidden             403, one text for every cryptographic failure
│   ├── UnknownAccount        404
│   ├── CallbackTimeout       408
│   └── CallbackTooLarge      413
├── Unavailable           a part is away and nothing is decided: wait, or go another way
│   ├── BrokerUnavailable
│   ├── SpoolUnavailable
│   ├── Overloaded            more at once than ingress may hold in memory
│   ├── StoreUnavailable
│   ├── TokenUnavailable
│   │   └── TokenRefused      ... and waiting alone does not help: somebody must act
│   ├── RpcUnavailable
│   └── WeChatUnavailable
├── RetryLater            worker parks the delivery for `after` seconds, then tries again
├── Reject                worker dead-letters the delivery at once
│   └── UnreadableEnvelope
├── WeChatError           WeChat answered with an errcode; `policy` says what to do about it
└── RpcFailure            an RPC call ended with `status`, as a problem document says
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from wxbus.errcodes import ErrorCode, Policy, error_code

E = TypeVar("E", bound=BaseException)

TRANSPORT_CLOSED: Final = (OSError, EOFError, RuntimeError)
"""What asyncio, uvloop and the libraries on them raise if a transport is closed, is closing or is not there yet.

uvloop raises RuntimeError ("the handler is closed") where asyncio raises an OSError. TimeoutError and the errors of TLS
are OSErrors, a stream that ends too early is an EOFError.
"""


class WxbusError(Exception):
    """Whatever wxbus raises."""


def copy_error(error: E) -> E:
    """Return a copy of an error that several callers share, with the traceback so far.

    Python adds each caller's frames to the object that is raised: one object raised by many grows without limit.
    """
    copy = type(error).__new__(type(error))
    copy.args = error.args
    copy.__dict__.update(error.__dict__)
    copy.__cause__, copy.__context__ = error.__cause__, error.__context__
    copy.__suppress_context__ = error.__suppress_context__
    return copy.with_traceback(error.__traceback__)


class ConfigurationError(WxbusError):
    """A setting or a file is wrong; the text names it and what it should be."""


class CallbackRejected(WxbusError):
    """A request that is not a callback we accept; the text is the one line the sender gets."""

    status: ClassVar[int] = 400


class MalformedCallback(CallbackRejected):
    """The body is neither XML nor JSON of WeChat's shape, or breaks a limit."""


class Forbidden(CallbackRejected):
    """Signature, encryption, receive id, mode or time is wrong: which one is not told to the sender."""

    status = 403

    def __init__(self, reason: str) -> None:
        """`reason` is for our log alone: the sender gets the same text whatever it was (no oracle)."""
        super().__init__("the signature is not valid")
        self.reason = reason


class UnknownAccount(CallbackRejected):
    """No account of that name in the accounts file."""

    status = 404


class CallbackTimeout(CallbackRejected):
    """The body did not arrive in the time given."""

    status = 408


class CallbackTooLarge(CallbackRejected):
    """The body is over the limit."""

    status = 413


class Unavailable(WxbusError):
    """A part that we need is away; nothing is decided."""


class BrokerUnavailable(Unavailable):
    """No confirm from RabbitMQ in the time given: the message may or may not have arrived."""


class SpoolUnavailable(Unavailable):
    """The spool on ingress's disk does not take the callback: a limit is reached, or the disk failed."""


class Overloaded(Unavailable):
    """Ingress has as much in hand as it may have at once: the sender should try again."""


class StoreUnavailable(Unavailable):
    """No answer from Redis in the time given: a write may or may not have happened."""


class TokenUnavailable(Unavailable):
    """There is no valid access token for the account just now; `retry_after` seconds may help."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenRefused(TokenUnavailable):
    """No token until somebody acts; the text says why: wrong secret, address not allow-listed, API key refused."""

    def __init__(
        self, message: str, *, errcode: int | None = None, retry_after: float | None = None, state: str = ""
    ) -> None:
        """`errcode` is WeChat's, if it was WeChat that refused; `state` says why in a word, like `wrong_secret`."""
        super().__init__(message, retry_after=retry_after)
        self.errcode = errcode
        self.state = state


class RpcUnavailable(Unavailable):
    """No answer from the service in the time given: the call may or may not have had its effect."""


class WeChatUnavailable(Unavailable):
    """No usable answer from WeChat's API in the time given: the call may or may not have had its effect."""


class RetryLater(WxbusError):
    """Raised by a handler: run me again after `after` seconds (None: by the route's retry policy)."""

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Reject(WxbusError):
    """Raised by a handler or a stage: no attempt can succeed, dead-letter the message with this reason."""


class UnreadableEnvelope(Reject):
    """What came out of the queue is not an envelope of ours."""


class WeChatError(WxbusError):
    """WeChat answered a call with an errcode (protocol reference 12)."""

    def __init__(self, errcode: int, errmsg: str, *, call: str) -> None:
        """`call` is the path of the call, without its query: that holds the token."""
        self.code: ErrorCode = error_code(errcode)
        self.errcode = errcode
        self.errmsg = errmsg
        self.call = call
        super().__init__(f"{call}: errcode {errcode}: {errmsg}")

    @property
    def policy(self) -> Policy:
        """What to do about it."""
        return self.code.policy


class RpcFailure(WxbusError):
    """An RPC call ends with an error; the fields are those of its problem document (RFC 9457)."""

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
        """`errors` names what is wrong in the request (422), never with the value that was sent."""
        super().__init__(f"{status} {title}{': ' + detail if detail else ''}")
        self.status = status
        self.title = title
        self.detail = detail
        self.type_uri = type_uri
        self.retry_after = retry_after
        self.errors = tuple(errors)
