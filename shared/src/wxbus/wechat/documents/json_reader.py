"""Parses the JSON that WeChat sends, within limits."""

import json
import re
from typing import Any, Final, NoReturn

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.document import REPLACEMENT, Document, Value
from wxbus.wechat.documents.limits import MAX_DEPTH, MAX_ELEMENTS, refuse_size
from wxbus.wechat.documents.shapes import member

MAX_ESCAPES: Final = 10_000
r"""Escapes from \uD000 to \uDFFF and from \uFF00 on; WeChat does not escape characters."""

_ESCAPES: Final = ("\\ud", "\\uD", "\\uff", "\\uFF", "\\ufF", "\\uFf")
_NO_CHARACTER: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_BRACKET: Final = re.compile(r"[\[\]{}]")


def read_json(body: str) -> Document:
    """Return the document of a JSON body.

    Raises:
        MalformedCallback: It is not a JSON object, has a duplicate name, or exceeds `MAX_DEPTH`, `MAX_ELEMENTS` or
            `MAX_ESCAPES`.
    """
    _check_size(body)
    _check_escapes(body)
    try:
        document = _DECODER.decode(body)
    except json.JSONDecodeError as exc:
        raise MalformedCallback(f"the body is not JSON: {exc.msg} at character {exc.pos}") from exc
    if not isinstance(document, dict):
        raise MalformedCallback("the body is not a JSON object")
    return _members_repaired(document) if "\\u" in body else document


def _check_escapes(body: str) -> None:
    """Limit the characters that may need a replacement, which is slow."""
    if body.count("\\u") <= MAX_ESCAPES:
        return
    found = 0
    for escape in _ESCAPES:
        found += body.count(escape)
        if found > MAX_ESCAPES:
            raise MalformedCallback(f"the body has more than {MAX_ESCAPES} escapes \\uDxxx or \\uFFxx")


def _check_size(body: str) -> None:
    """Reject bodies that are too deep or too large before parsing."""
    opened = body.count("{") + body.count("[")
    if opened <= MAX_DEPTH and opened + body.count(",") <= MAX_ELEMENTS:
        return  # the usual case: within the limits even if all of it is punctuation
    unescaped = body.replace("\\\\", "").replace('\\"', "")
    if unescaped.count('"') > 4 * MAX_ELEMENTS + 4:  # the quotes of a name and a text
        refuse_size()
    outside = "".join(unescaped.split('"')[::2])
    if outside.count("{") + outside.count("[") + outside.count(",") > MAX_ELEMENTS:
        refuse_size()
    depth = 0
    for bracket in _BRACKET.finditer(outside):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            refuse_size()


def _members(pairs: list[tuple[str, Any]]) -> Document:
    document = {name: member(name, _value(value)) for name, value in pairs}
    if len(document) != len(pairs):
        raise MalformedCallback("the body is not JSON of WeChat's shape: duplicate name")
    return document


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_value(item) for item in value] or ""
    if isinstance(value, dict):
        return value or ""
    return "" if value is None else "true" if value else "false"


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedCallback("the body is not JSON of WeChat's shape: NaN or Infinity")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=str,
    parse_float=str,
    parse_constant=_refuse_constant,
    strict=False,  # texts may contain unescaped line feeds and other control characters
)


def _members_repaired(document: Document) -> Document:
    """Replace lone surrogates and non-characters, which JSON escapes can express and UTF-8 cannot."""
    whole = {_NO_CHARACTER.sub(REPLACEMENT, name): _repaired(value) for name, value in document.items()}
    if len(whole) != len(document):
        raise MalformedCallback("the body is not JSON of WeChat's shape: duplicate name")
    return whole


def _repaired(value: Value) -> Value:
    if isinstance(value, str):
        return _NO_CHARACTER.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    return _members_repaired(value)
