"""Reads WeChat's JSON answers: any content type, UTF-8 or GBK, an errcode as a number or as text."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus.wechat.documents.document import REPLACEMENT

T = TypeVar("T")

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object sent to or received from WeChat."""

DECODER: Final = json.JSONDecoder(strict=False)  # nicknames contain control characters
RESULT: Final = frozenset({"errcode", "errmsg"})
"""Fields with the result of a call."""
MASK: Final = "***"
SHORT: Final = 8
"""A secret of fewer characters may be part of a word by chance."""
LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half of a pair, which a JSON escape can express and UTF-8 cannot."""
ERRCODE: Final = re.compile(r"-?[0-9]{1,10}")
"""An errcode as text, which some calls return."""
SUCCESS: Final = frozenset({Policy.OK, Policy.IGNORE})
"""Policies of errcodes that mean "done" or "done before"."""


def decode(body: bytes) -> JsonObject | None:
    """Return the JSON object in a body; None if it is something else."""
    try:
        found = from_json(body)
    except ValueError:
        found = _decode_leniently(body)
    return found if isinstance(found, dict) else None


def _decode_leniently(body: bytes) -> object:
    """Return the JSON in a body with control characters, in another encoding, or with lone surrogates; else None."""
    try:
        text = _text(body)
        found = DECODER.decode(text)
        if "\\u" in text:
            found = _without_lone_surrogates(found)
    except (ValueError, RecursionError):
        return None
    return found


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
    if not found.get("errcode") and found.get("resultcode"):  # calls about local delivery
        found["errcode"], found["errmsg"] = found["resultcode"], found.get("resultmsg", "")
    errcode = found.get("errcode", 0)
    if isinstance(errcode, str) and ERRCODE.fullmatch(errcode):
        errcode = found["errcode"] = int(errcode)
    if type(errcode) is not int:  # nor a bool
        raise WeChatUnavailable(f"{path}: HTTP {status} with an errcode that is not a number")
    if errcode != 0:
        errmsg = str(found.get("errmsg", ""))
        for secret in secrets:
            errmsg = _masked(errmsg, secret)
        others = {name: value for name, value in found.items() if name not in RESULT}
        error = WeChatError(errcode, errmsg, call=path, answer=others)
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


def _masked(text: str, secret: str) -> str:
    """Return the text without the secret; a short one, such as a mistyped code, is masked as a word only."""
    if len(secret) >= SHORT:
        return text.replace(secret, MASK)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)


def _without_lone_surrogates(found: object) -> object:
    """Replace lone surrogates, which cannot be encoded when the answer is logged, stored or sent on."""
    text = json.dumps(found, ensure_ascii=False)
    return json.loads(LONE_SURROGATE.sub(REPLACEMENT, text)) if LONE_SURROGATE.search(text) else found


def read_answer(path: str, validate: Callable[[Any], T], found: object) -> T:
    """Return a typed answer; raises WeChatUnavailable, without values, if pydantic's `validate` refuses `found`."""
    try:
        return validate(found)
    except ValidationError as exc:
        reasons = reasons_of(exc)
    raise WeChatUnavailable(f"{path}: invalid answer: {reasons}")


def reasons_of(error: ValidationError) -> str:
    """Return the reasons of pydantic's error without its values."""
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(": ".join(filter(None, (".".join(map(str, entry["loc"])), entry["msg"]))) for entry in found)


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
