"""Errors as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping
from typing import Any

from wxbus.errors import RpcFailure, TokenRefused, Unavailable, UnknownAccount, WxbusError

CONTENT_TYPE = "application/problem+json"
REFUSED = "urn:wxbus:problem:token-refused"
"""Type of a refusal for which waiting does not help; the state may follow: `...:wrong_secret`."""

DEFAULT_RETRY_AFTER = 1.0


def to_failure(error: WxbusError) -> RpcFailure:
    """Return the failure that the caller receives for an error of a method.

    The branch decides (see `wxbus.errors`): 503 with a retry time for what is unavailable, 404 for unknown accounts,
    500 without details for everything else.
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
        case UnknownAccount():
            return RpcFailure(404, "Unknown account", detail=str(error))
        case _:
            return RpcFailure(500, "Internal error")


def refusal_state(failure: RpcFailure) -> str | None:
    """Return the state of a refused token, "" if the state is unknown; None for another failure."""
    beginning, separator, state = failure.type_uri.partition(f"{REFUSED}:")
    if failure.type_uri == REFUSED:
        return ""
    return state if separator and not beginning else None


def render(failure: RpcFailure) -> bytes:
    """Return the problem document."""
    document: dict[str, Any] = {"type": failure.type_uri, "title": failure.title, "status": failure.status}
    if failure.detail:
        document["detail"] = failure.detail
    if failure.retry_after is not None:
        document["retry_after"] = round(failure.retry_after, 3)
    if failure.errors:
        document["errors"] = failure.errors
    return json.dumps(document, ensure_ascii=False).encode()


def parse(status: int, body: bytes, headers: Mapping[str, str]) -> RpcFailure:
    """Return the failure of an answer with `status`, from the service or from a proxy."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {}
    retry_after = document.get("retry_after")
    if not isinstance(retry_after, int | float) or isinstance(retry_after, bool):
        header = headers.get("Retry-After", "")
        retry_after = float(header) if header.isascii() and header.isdigit() else None
    return RpcFailure(
        status,
        _text(document, "title") or "no problem document",
        detail=_text(document, "detail"),
        type_uri=_text(document, "type") or "about:blank",
        retry_after=retry_after,
        errors=[error for error in _list(document, "errors") if isinstance(error, dict)],
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []
