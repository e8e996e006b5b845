"""Parses XML and JSON bodies to documents, and renders documents.

The XML and the JSON form of one push give equal documents if `shapes` lists every name that may repeat.
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic_core import to_json

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents import flat_json, flat_xml
from wxbus.wechat.documents.document import REPLACEMENT, Document, text
from wxbus.wechat.documents.json_reader import read_json
from wxbus.wechat.documents.shapes import WRAPPED
from wxbus.wechat.documents.xml_reader import read_xml

Renderable: TypeAlias = "str | int | float | Mapping[str, Renderable] | Sequence[Renderable]"
"""Input of `render`: a document that may contain numbers."""

SUBSCRIBE_WRAPPERS: Final = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
"""Events whose `List` has an additional parent element in XML, but not in JSON (protocol reference 6.1)."""

BOM: Final = b"\xef\xbb\xbf"
BLANK: Final = b" \t\r\n"
NOT_IN_XML: Final = bytes(code for code in range(0x20) if code not in b"\t\r\n")
"""Control characters that XML forbids. Users paste them, and WeChat may pass them on."""
IDENTIFIERS: Final = ("ToUserName", "FromUserName", "MsgId", "MsgType", "Event", "InfoType")
"""Members with names and ids of WeChat; invalid characters in them are rejected, not replaced."""
KINDS: Final = ("MsgType", "Event", "InfoType")
"""Members with the type of a push; WeCom adds blanks around some (WeCom reference 12)."""


class Format(StrEnum):
    """Format of a body."""

    XML = "xml"
    JSON = "json"


def sniff(body: bytes) -> Format:
    """Return the format of a body by its first character; Content-Type is not reliable (protocol reference 1.4).

    Raises:
        MalformedCallback: It is neither XML nor a JSON object.
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
        MalformedCallback: It is neither, is not of WeChat's shape, or exceeds a limit of `documents.limits`.
    """
    if sniff(body) is Format.XML:
        xml = _xml_characters(body)
        flat = flat_xml.read_flat(xml)  # without references, so its texts have no other characters
        document = flat or read_xml(xml)
        if not flat or REPLACEMENT in xml:
            _check_identifiers(document)
    else:
        document = read_json(_characters(body))
        _check_identifiers(document)
    for name in KINDS:
        if isinstance(kind := document.get(name), str):
            document[name] = kind.strip()
    event = document.get("Event")
    if isinstance(event, str) and (wrapper := SUBSCRIBE_WRAPPERS.get(event.lower())):
        inner = document.get(wrapper)
        if isinstance(inner, dict) and inner.keys() == {"List"}:
            del document[wrapper]
            document["List"] = inner["List"]
    return document


def render(document: Mapping[str, Renderable], format: Format) -> bytes:  # noqa: A002 - a keyword argument
    """Return the UTF-8 body of a document, with texts in CDATA sections and bare numbers, as WeChat expects.

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
    """Return the document as UTF-8 JSON, the body of an envelope."""
    return to_json(document)


def document_from_json(body: bytes) -> Document:
    """Return the document of an envelope's body.

    Raises:
        MalformedCallback: The body was not written by `document_to_json`.
    """
    return flat_json.read_flat(body) or read_json(_characters(body))


def _characters(body: bytes) -> str:
    """Return the characters of a body; invalid ones and non-characters (U+FFFE, U+FFFF) are replaced."""
    found = body.removeprefix(BOM).decode("utf-8", "replace")
    return found.replace("\ufffe", REPLACEMENT).replace("\uffff", REPLACEMENT)


def _xml_characters(body: bytes) -> str:
    found = _characters(body.translate(None, NOT_IN_XML))
    return found.replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n")


def _check_identifiers(document: Document) -> None:
    """Reject replaced characters in identifiers: two different ids could become equal."""
    for name in IDENTIFIERS:
        if REPLACEMENT in text(document, name):
            raise MalformedCallback(f"{name} is not UTF-8")


_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
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
        parts.append(str(value).lower())  # bool: true, false
    else:
        # "]]>" ends a section, so it is split into two sections.
        parts.append(f"<![CDATA[{_ILLEGAL.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>")
    parts.append(f"</{name}>")
