"""XML and JSON to the one shape of `wxbus.wechat.documents`, and back.

Two forms of one push give equal documents as long as the names that may repeat are known (`REPEATED`, `WRAPPED`):
XML does not tell one element from a list of one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeAlias, cast
from xml.parsers import expat

from pydantic_core import to_json

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents import Document, Value

Renderable: TypeAlias = "str | int | float | Mapping[str, Renderable] | Sequence[Renderable]"
"""What `render` writes: a document, or one with numbers in it."""

MAX_DEPTH: Final = 16
"""Elements inside one another; WeChat's deepest push has six."""
MAX_ELEMENTS: Final = 5_000
"""Elements, members and array items of one body; WeChat's largest push has a few hundred."""

REPEATED: Final = frozenset({"List", "list", "item", "AroundBeacon", "Actions", "detail", "material"})
"""Structures that may repeat side by side (protocol reference 6): always a list, also if there is one."""
WRAPPED: Final = frozenset({"Articles", "PicList", "ResultList"})
"""Lists that XML writes as `<name><item/>...</name>` and JSON as an array."""
SUBSCRIBE_WRAPPERS: Final = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
"""Events whose `List` stands in one more element in XML, but not in JSON (protocol reference 6.1, JSON quirk)."""

BOM: Final = b"\xef\xbb\xbf"
BLANK: Final = b" \t\r\n"
NOT_IN_XML: Final = bytes(code for code in range(0x20) if code not in b"\t\r\n")
"""Control characters: XML has no way to write them, but users paste them and the sender may let them through."""


class Format(StrEnum):
    """How a body is written."""

    XML = "xml"
    JSON = "json"


def sniff(body: bytes) -> Format:
    """Return the format of a body by its first character; Content-Type is not reliable (protocol reference 1.4).

    Raises:
        MalformedCallback: It starts like neither.
    """
    match body.removeprefix(BOM).lstrip(BLANK)[:1]:
        case b"<":
            return Format.XML
        case b"{":
            return Format.JSON
    raise MalformedCallback("the body is neither XML nor a JSON object")


def parse(body: bytes) -> Document:
    """Return the document of an XML or JSON body.

    Raises:
        MalformedCallback: It is neither, has a document type, or exceeds `MAX_DEPTH` or `MAX_ELEMENTS`.
    """
    document = _parse_xml(body) if sniff(body) is Format.XML else _parse_json(body)
    event = document.get("Event")
    if isinstance(event, str) and (wrapper := SUBSCRIBE_WRAPPERS.get(event.lower())):
        inner = document.get(wrapper)
        if isinstance(inner, dict) and inner.keys() == {"List"}:
            del document[wrapper]
            document["List"] = inner["List"]
    return document


def render(document: Mapping[str, Renderable], format: Format) -> bytes:  # noqa: A002 - a keyword of ours
    """Return the body for a document, as WeChat writes and reads it: text in CDATA, numbers bare, UTF-8.

    Raises:
        ValueError: A name cannot be an XML element.
    """
    if format is Format.JSON:
        return _to_json(document).encode()
    event = document.get("Event")
    if isinstance(event, str) and "List" in document and (wrapper := SUBSCRIBE_WRAPPERS.get(event.lower())):
        rest = {name: value for name, value in document.items() if name != "List"}
        document = {**rest, wrapper: {"List": document["List"]}}
    parts: list[str] = []
    _write(parts, "xml", document)
    return "".join(parts).encode()


def document_to_json(document: Document) -> bytes:
    """Return the document as the body of an envelope: UTF-8 JSON."""
    return to_json(document)


def document_from_json(body: bytes) -> Document:
    """Return the document of an envelope's body.

    Raises:
        MalformedCallback: It is not what `document_to_json` makes.
    """
    return _parse_json(body)


def _member(name: str, value: Value) -> Value:
    """Return a structure in the form that both formats share."""
    if name in WRAPPED:
        if isinstance(value, dict) and value.keys() == {"item"}:
            value = value["item"]
        return value if isinstance(value, list) or value == "" else [value]
    return [value] if name in REPEATED and isinstance(value, dict) else value


class _Tree:
    """Collects what expat reports."""

    __slots__ = ("_count", "_open", "document", "text")

    def __init__(self) -> None:
        self.document: Document = {}
        self._open: list[Document] = []
        self.text: list[str] = []
        """Of the element that is open, in pieces."""
        self._count = 0

    def doctype(self, *_: object) -> NoReturn:
        # Without a document type there are no entities either: nothing expands, nothing is fetched.
        raise MalformedCallback("the body has a document type")

    def start(self, name: str, _attributes: object) -> None:
        self._count += 1
        depth = len(self._open)
        if depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            _refuse_size()
        if depth == 0 and name != "xml":
            raise MalformedCallback("the root element is not xml")
        self._open.append({})
        self.text.clear()

    def end(self, name: str) -> None:
        members = self._open.pop()
        if not self._open:
            self.document = members
            return
        value: Value = members or "".join(self.text)
        self.text.clear()  # what stands between elements is layout
        parent = self._open[-1]
        if name not in parent:
            parent[name] = value if isinstance(value, str) else _member(name, value)
            return
        before = parent[name]
        if isinstance(before, list):
            before.append(value)
        else:
            parent[name] = [before, value]


def _parse_xml(body: bytes) -> Document:
    tree = _Tree()
    parser = expat.ParserCreate("utf-8")  # whatever the declaration says
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = tree.doctype
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text.append
    try:
        parser.Parse(body.removeprefix(BOM).translate(None, NOT_IN_XML).strip(BLANK), True)
    except expat.ExpatError as exc:
        raise MalformedCallback(f"the body is not well-formed XML: {exc}") from exc
    return tree.document


def _members(pairs: list[tuple[str, Any]]) -> Any:
    document = {name: value if value.__class__ is str else _member(name, _json_value(value)) for name, value in pairs}
    if len(document) != len(pairs):
        raise MalformedCallback("the body is not JSON of WeChat's shape: a name occurs twice")
    return document


def _json_value(value: Any) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_json_value(item) for item in value] or ""
    if isinstance(value, dict):
        return value or ""
    return "" if value is None else "true" if value else "false"


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedCallback("the body is not JSON of WeChat's shape: NaN or Infinity")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=str, parse_float=str, parse_constant=_refuse_constant
)
_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_JSON_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
"""A string, closed or not, or punctuation; it never goes back, so that scanning stays linear."""


def _parse_json(body: bytes) -> Document:
    try:
        text = body.removeprefix(BOM).decode()
    except UnicodeDecodeError as exc:
        raise MalformedCallback("the body is not UTF-8") from exc
    _check_json_size(text)
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise MalformedCallback(f"the body is not JSON: {exc.msg} at character {exc.pos}") from exc
    if not isinstance(document, dict):
        raise MalformedCallback("the body is not a JSON object")
    if "\\u" in text:
        return cast(Document, _without_surrogates(document))
    return document


def _check_json_size(text: str) -> None:
    """Refuse what is too deep or too large before a parser goes into it."""
    opened = text.count("{") + text.count("[")
    if opened <= MAX_DEPTH and opened + text.count(",") <= MAX_ELEMENTS:
        return  # the usual case: not too much even if all of it were punctuation
    depth = count = 0
    for match in _JSON_TOKEN.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            count += 1
        elif mark in "]}":
            depth -= 1
        elif mark == ",":
            count += 1
        if depth > MAX_DEPTH or count > MAX_ELEMENTS:
            _refuse_size()


def _refuse_size() -> NoReturn:
    raise MalformedCallback(f"the body has more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")


def _without_surrogates(value: Value) -> Value:
    r"""Return `value` with halves of characters replaced: JSON can write them as \uD800, UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return {name.encode("utf-8", "replace").decode(): _without_surrogates(member) for name, member in value.items()}


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _write(parts: list[str], name: str, value: Renderable) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} cannot be an XML element")
    if isinstance(value, Sequence) and not isinstance(value, str):
        if name in WRAPPED:
            _write(parts, name, {"item": value})
        else:
            for item in value:
                _write(parts, name, item)
        return
    parts.append(f"<{name}>")
    if isinstance(value, Mapping):
        for member, inner in value.items():
            _write(parts, member, inner)
    elif isinstance(value, int | float):
        parts.append(str(value).lower())  # of truth values: true, false
    else:
        # "]]>" would end the section: it is cut in two.
        parts.append(f"<![CDATA[{_ILLEGAL.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>")
    parts.append(f"</{name}>")
