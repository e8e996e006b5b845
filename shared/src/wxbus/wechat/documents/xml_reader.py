"""Parses the XML that WeChat sends, in linear time.

An XML parser cannot read it, because WeChat writes user text into CDATA sections without escaping. A text may contain
`]]>`, and a user can forge the end of an element and further elements after it. WeChat uses no attributes, comments,
processing instructions, document types or entities. The reader rejects them, so nothing is expanded.

A CDATA section ends at the first `]]>` that the closing tag of its element follows. A user text that contains this
closing tag makes the body ambiguous. Three rules prevent such a text from changing the fields of WeChat:

* `Content` is the only user text of a text message. It ends at its last closing tag.
* A forged end leaves a trace, because the real end follows later: a second element of the same name after other
  elements, a closing tag inside another text, or names that recur inside and after a structure.
* If there is a trace, or the rest is unreadable, only the elements before the first user text are trusted. The document
  then consists of this header and the raw body under `RAW_BODY`.
"""

import re
from typing import Final

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.document import RAW_BODY, Document, Value, text
from wxbus.wechat.documents.limits import MAX_DEPTH, MAX_ELEMENTS, refuse_size
from wxbus.wechat.documents.shapes import add_sibling

HEADER: Final = frozenset(
    {
        *("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "AgentID"),
        *("AppId", "InfoType", "SuiteId", "ServiceCorpId", "AuthCorpId", "TimeStamp", "ChangeType"),
    }
)
"""Fields that WeChat writes first and that contain no user text."""

_BLANK: Final = " \t\n"
_CLOSED_ROOT: Final = "</xml>"
_ROOT: Final = re.compile(r"(?:<\?xml[ \t\n][^<>]*\?>)?[ \t\n]*<xml[ \t\n]*(/?)>")
_SECTION: Final = re.compile(r"[ \t\n]*<!\[CDATA\[")
_SECTION_END: Final = re.compile(r"\]\]>[ \t\n]*</([\w.-]+)[ \t\n]*>")
_TAG: Final = re.compile(r"([^<]*)<(/?)([^\W\d][\w.-]*)[ \t\n]*(/?)>")
_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot|apos));|&")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


class _Unreadable(Exception):
    """The body is not XML as WeChat writes it, or is ambiguous."""


def read_xml(body: str) -> Document:
    """Return the document of an XML body whose lines end with a line feed.

    Raises:
        MalformedCallback: It is not of WeChat's shape and has no header, or exceeds `MAX_DEPTH` or `MAX_ELEMENTS`.
    """
    reader = _Reader(body)
    try:
        reader.read()
    except _Unreadable as exc:
        # A truncated body is rejected: its missing end decides how to read it.
        if not reader.has_kind or not body.endswith(_CLOSED_ROOT):
            raise MalformedCallback(f"the body is not XML as WeChat writes it: {exc}") from exc
        return {**reader.header, RAW_BODY: body}
    return reader.document


class _Element:
    """An element that is not closed yet."""

    __slots__ = ("inner", "last", "members", "name", "sealed")

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: Document = {}
        self.last = ""
        """Name of the last closed child."""
        self.sealed: set[str] = set()
        """Names of the children that are or contain CDATA, and so may contain user text."""
        self.inner: set[str] = set()
        """The same names of all descendants below the children."""


class _Reader:
    def __init__(self, body: str) -> None:
        self._body = body
        self._at = 0
        self._count = 1  # the root
        self._open: list[_Element] = []
        self._recurred = False
        """A name of an outer element has recurred inside a later structure."""
        self._traced = ""
        """Description of the first trace of a forged end, or ""."""
        self.document: Document = {}
        self.header: Document = {}
        """The fields before the first one that may contain user text."""
        self._in_header = True

    @property
    def has_kind(self) -> bool:
        """Whether the header contains the type of the push."""
        return "MsgType" in self.header or "InfoType" in self.header

    def read(self) -> None:
        """Read the whole body; raises _Unreadable or MalformedCallback."""
        root = _ROOT.match(self._body)
        if root is None:
            raise _Unreadable("it does not begin with the element xml")
        self._at = root.end()
        self._open.append(_Element("xml"))
        if root[1]:
            self._close("", is_sealed=False)
        while self._open:
            if not self._read_section():
                self._read_tag()
        if self._at != len(self._body):
            raise _Unreadable("text or an element follows the element xml")
        if self._traced and self.has_kind:  # other documents contain no user text
            raise _Unreadable(self._traced)

    def _read_section(self) -> bool:
        """Read the open element if it consists of one CDATA section."""
        element = self._open[-1]
        section = None if element.members else _SECTION.match(self._body, self._at)
        if section is None:
            return False
        end = self._section_end(section.end(), element.name)
        self._at = end.end()
        # The escaped form of "]]>" inside a section.
        self._close(self._body[section.end() : end.start()].replace("]]]]><![CDATA[>", "]]>"), is_sealed=True)
        return True

    def _section_end(self, start: int, name: str) -> re.Match[str]:
        is_only_text = name == "Content" and len(self._open) == 2 and text(self.header, "MsgType").lower() == "text"
        found = None
        passed = False
        for match in _SECTION_END.finditer(self._body, start):
            if match[1] == name:
                found = match
                if not is_only_text:
                    break
            self._count_one()
            passed = True
        if found is None:
            raise _Unreadable("a CDATA section is not closed")
        if passed and not is_only_text:
            self._traced = self._traced or "a text contains the end of an element"
        return found

    def _read_tag(self) -> None:
        tag = _TAG.match(self._body, self._at)
        if tag is None:
            raise _Unreadable("an element has attributes, is not closed, or is not an element")
        layout, closes, name, is_empty = tag.groups()
        self._at = tag.end()
        element = self._open[-1]
        if closes:
            if name != element.name or is_empty:
                raise _Unreadable("a closing tag has the wrong name")
            if not element.members:
                self._close(self._plain(layout), is_sealed=False)
                return
        if layout.strip(_BLANK):
            raise _Unreadable("text between elements")
        if closes:
            self._close(element.members, is_sealed=bool(element.sealed))
            return
        self._count_one()
        if len(self._open) > MAX_DEPTH:
            refuse_size()
        self._open.append(_Element(name))
        if is_empty:
            self._close("", is_sealed=False)

    def _close(self, value: Value, *, is_sealed: bool) -> None:
        """Close the open element and add its value to its parent."""
        element = self._open.pop()
        if not self._open:
            self.document = value if isinstance(value, dict) else {}
            return
        parent = self._open[-1]
        name = element.name
        if is_sealed:
            self._look_for_traces(name, parent)
            parent.sealed.add(name)
            parent.inner |= element.sealed | element.inner
        parent.last = name
        if self._in_header and len(self._open) == 1:
            self._in_header = name in HEADER and name not in self.header and isinstance(value, str)
            if self._in_header:
                self.header[name] = value
        add_sibling(parent.members, name, value)

    def _look_for_traces(self, name: str, parent: _Element) -> None:
        if name in parent.sealed and parent.last != name:
            self._traced = self._traced or "an element recurs after others"
        if any(name in outer.sealed for outer in self._open[:-1]):
            self._recurred = True
        elif self._recurred and name in parent.inner:
            self._traced = self._traced or "names of a structure recur before, inside and after it"

    def _plain(self, value: str) -> str:
        """Return a text outside of CDATA with its references resolved."""
        if "]]>" in value:
            raise _Unreadable("a CDATA section ends without a start")
        if "&" not in value:
            return value
        self._count += value.count("&")
        if self._count > MAX_ELEMENTS:
            refuse_size()
        return _REFERENCE.sub(_character, value)

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            refuse_size()


def _character(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    if code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF:
        return chr(code)
    raise _Unreadable("a reference to an invalid character")
