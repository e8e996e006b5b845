"""Reads WeChat's JSON answers: any content type, UTF-8 or GBK, an errcode as a number or as text."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat.documents.document import REPLACEMENT

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object sent to or received from WeChat."""

MASK: Final = "***"
ERRCODE: Final = re.compile(r"-?[0-9]{1,10}")
"""An errcode as text, which some calls return."""
SUCCESS: Final = frozenset({Policy.OK, Policy.IGNORE})
"""Policies of errcodes that mean "done" or "done before"."""


def decode(body: bytes) -> JsonObject | None:
    """Return the JSON object in a body; None if it is something else."""
    try:
        found = json.loads(_text(body), strict=False)  # nicknames contain control characters
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def may_be_json(head: bytes) -> bool:
    """Return whether a body that begins with `head` may be a JSON object."""
    return head.removeprefix(BOM_UTF8).lstrip()[:1] == b"{"


def json_answer(path: str, status: int, content_type: str, body: bytes, secrets: Iterable[str]) -> JsonObject:
    """Return the JSON object of an answer; `secrets` are masked in errors.

    Raises:
        WeChatError: WeChat answered with an errcode that is not a success. The errcode has priority over the status.
        WeChatUnavailable: The answer is not a JSON object of status 200.
    """
    found = decode(body) if status < 500 else None
    if found is None:
        raise WeChatUnavailable(f"{path}: HTTP {status} with {len(body)} bytes of {content_type}, not a JSON object")
    errcode = found.get("errcode", 0)
    if isinstance(errcode, str) and ERRCODE.fullmatch(errcode):
        errcode = found["errcode"] = int(errcode)
    if not isinstance(errcode, int):
        raise WeChatUnavailable(f"{path}: HTTP {status} with an errcode that is not a number")
    if errcode != 0:
        errmsg = str(found.get("errmsg", ""))
        for secret in secrets:
            errmsg = errmsg.replace(secret, MASK)
        error = WeChatError(errcode, errmsg, call=path)
        if error.policy not in SUCCESS:
            raise error
    if status != 200:
        raise WeChatUnavailable(f"{path}: HTTP {status}")
    return found


def require_text(path: str, response: JsonObject, name: str) -> str:
    """Return the text `name` of a response, or raise WeChatUnavailable."""
    value = response.get(name)
    if not isinstance(value, str) or not value:
        raise WeChatUnavailable(f"{path}: the response has no {name}")
    return value


def _text(body: bytes) -> str:
    """Return the text of a response. Some are GBK, and some UTF-8 texts are truncated inside a character."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError:
        utf8, gbk = body.decode("utf-8", "replace"), body.decode("gb18030", "replace")
    broken = utf8.count(REPLACEMENT)
    whole = sum(not character.isascii() for character in utf8) - broken
    # GBK contains hardly any valid UTF-8 sequence; truncated UTF-8 is almost entirely valid.
    return gbk if broken > whole else utf8
