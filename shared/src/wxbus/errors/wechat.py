"""Errors that WeChat returns: the errcode decides the class, see `wxbus.errcodes`."""

from collections.abc import Mapping
from typing import Any, Final

from wxbus.errcodes import Branch, ErrorCode, Policy, error_code
from wxbus.errors.base import WxbusError


class WeChatError(WxbusError):
    """WeChat returned an errcode (protocol reference 12).

    `WeChatError(errcode, ...)` has the subclass of the errcode, as OSError has that of the errno.
    """

    def __new__(cls, errcode: int = 0, *_args: object, **_options: object) -> "WeChatError":
        """Return an object of the errcode's subclass."""
        return super().__new__(_class_of(errcode) if cls is WeChatError else cls)

    def __init__(self, errcode: int, errmsg: str, *, call: str, answer: Mapping[str, Any] | None = None) -> None:
        """`call` is the path without the query, which contains the token; `answer` has the other fields."""
        self.code: ErrorCode = error_code(errcode)
        self.errcode = errcode
        self.errmsg = errmsg
        self.call = call
        self.answer = answer or {}
        """Such as `fail_openid_list`; never in the text of the error."""
        self.retry_after: float | None = self.code.wait
        """Seconds until the same call may succeed; None: unknown."""
        super().__init__(f"{call}: errcode {errcode}: {errmsg}")

    @property
    def policy(self) -> Policy:
        """The recommended reaction."""
        return self.code.policy


class TokenInvalid(WeChatError):
    """WeChat rejects the token; in a call that fetches a token, 40001 means a wrong secret."""


class ServerBusy(WeChatError):
    """WeChat is busy: try again later. A message may have been sent nevertheless (-1)."""


class RateLimited(WeChatError):
    """Too many calls: try again after `code.wait` seconds."""


class QuotaExceeded(WeChatError):
    """The quota of the day, of the month or for ever is used up."""


class OutOfWindow(WeChatError):
    """The user must write first; a subscription message may still arrive."""


class UserRefused(WeChatError):
    """Give up on this user, and continue with others."""


class LoginRequired(WeChatError):
    """The user must log in again, or the owner of the account must authorise the platform again."""


class NotPermitted(WeChatError):
    """An operator must act in WeChat's console: permission, IP address, secret or penalty."""


class BadRequest(WeChatError):
    """Arguments or content are wrong; the same call fails again."""


_CLASSES: Final[Mapping[Branch, type[WeChatError]]] = {
    Branch.TOKEN_INVALID: TokenInvalid,
    Branch.SERVER_BUSY: ServerBusy,
    Branch.RATE_LIMITED: RateLimited,
    Branch.QUOTA_EXCEEDED: QuotaExceeded,
    Branch.OUT_OF_WINDOW: OutOfWindow,
    Branch.USER_REFUSED: UserRefused,
    Branch.LOGIN_REQUIRED: LoginRequired,
    Branch.NOT_PERMITTED: NotPermitted,
    Branch.BAD_REQUEST: BadRequest,
}


def _class_of(errcode: int) -> type[WeChatError]:
    branch = error_code(errcode).branch
    return WeChatError if branch is None else _CLASSES[branch]
