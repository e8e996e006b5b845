"""Errors as problem documents (RFC 9457)."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from wxbus.errors import (
    QuotaExceeded,
    RateLimited,
    RpcFailure,
    ServerBusy,
    TokenRefused,
    Unavailable,
    UnknownAccount,
    WeChatError,
    WxbusError,
)

CONTENT_TYPE: Final = "application/problem+json"
REFUSED: Final = "urn:wxbus:problem:token-refused"
"""Type of a refusal for which waiting does not help; the state may follow: `...:wrong_secret`."""
WECHAT_ERROR: Final = "urn:wxbus:problem:wechat"
"""Beginning of the type of an error of WeChat; its errcode follows: `...:40163`."""
DEFAULT_RETRY_AFTER: Final = 1.0


ERRCODE: Final = re.compile(r"-?[0-9]{1,9}")


class InvalidField(BaseModel):
    """An invalid field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as a problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = Field(default=None, description="The reason for this call.")
    retry_after: float | None = Field(default=None, description="Seconds after which to call again.")
    errors: list[InvalidField] | None = None


def to_failure(error: WxbusError) -> RpcFailure:
    """Return the failure that the caller receives for an error of a method.

    The branch decides (see `wxbus.errors`): 503 with a retry time for unavailable parts, 404 for unknown accounts;
    for an errcode of WeChat 503 if WeChat is busy, 429 for its limits, else 422; 500 without details for everything
    else.
    """
    match error:
        case RpcFailure():
            return error
        case TokenRefused():
            title, kind = "WeChat refuses a token", f"{REFUSED}:{error.state}" if error.state else REFUSED
            return RpcFailure(503, title, detail=str(error), type_uri=kind, retry_after=error.retry_after)
        case Unavailable():
            wait = getattr(error, "retry_after", None)
            return RpcFailure(
                503, "Unavailable", detail=str(error), retry_after=DEFAULT_RETRY_AFTER if wait is None else wait
            )
        case WeChatError():
            return _wechat_failure(error)
        case UnknownAccount():
            return RpcFailure(404, "Unknown account", detail=str(error))
        case _:
            return RpcFailure(500, "Internal error")


def to_public_failure(error: WxbusError) -> RpcFailure:
    """Return the failure that a caller outside receives: as `to_failure`, without the reason of an outage.

    Reasons name hosts, accounts and settings, which concern operators only.
    """
    failure = to_failure(error)
    if not isinstance(error, Unavailable | TokenRefused):
        return failure
    return RpcFailure(503, "Unavailable", retry_after=failure.retry_after)


def wechat_errcode(failure: RpcFailure) -> int | None:
    """Return WeChat's errcode of a failure, None if it has another cause."""
    beginning, separator, errcode = failure.type_uri.partition(f"{WECHAT_ERROR}:")
    return int(errcode) if separator and not beginning and ERRCODE.fullmatch(errcode) else None


def _wechat_failure(error: WeChatError) -> RpcFailure:
    wait: float | None = None
    match error:
        case ServerBusy():
            status, title, wait = 503, "WeChat is busy", DEFAULT_RETRY_AFTER
        case RateLimited() | QuotaExceeded():
            status, title, wait = 429, "WeChat's limit is reached", error.retry_after
        case _:
            status, title = 422, "WeChat refuses the call"
    return RpcFailure(status, title, detail=str(error), type_uri=f"{WECHAT_ERROR}:{error.errcode}", retry_after=wait)


def refusal_state(failure: RpcFailure) -> str | None:
    """Return the state of a refused token, "" if the state is unknown; None for another failure."""
    beginning, separator, state = failure.type_uri.partition(f"{REFUSED}:")
    if failure.type_uri == REFUSED:
        return ""
    return state if separator and not beginning else None


def render(failure: RpcFailure) -> bytes:
    """Return the problem document."""
    problem = Problem(
        type=failure.type_uri,
        title=failure.title,
        status=failure.status,
        detail=failure.detail or None,
        retry_after=None if failure.retry_after is None else round(failure.retry_after, 3),
        errors=[InvalidField.model_validate(error) for error in failure.errors] or None,
    )
    return problem.model_dump_json(exclude_none=True).encode()


def parse(status: int, body: bytes, headers: Mapping[str, str]) -> RpcFailure:
    """Return the failure of an answer with `status`, from the service or from a proxy."""
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        problem = Problem(title="no problem document", status=status)
    header = headers.get("Retry-After", "")
    retry_after = problem.retry_after
    if retry_after is None and header.isascii() and header.isdigit():
        retry_after = float(header)
    return RpcFailure(
        status,
        problem.title,
        detail=problem.detail or "",
        type_uri=problem.type,
        retry_after=retry_after,
        errors=[error.model_dump() for error in problem.errors or ()],
    )
