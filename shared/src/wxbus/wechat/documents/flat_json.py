"""Reads JSON bodies without structures at a sixth of the cost of `json_reader`, with the same result."""

from typing import Final

from pydantic_core import from_json

from wxbus.wechat.documents.document import Document
from wxbus.wechat.documents.limits import MAX_ELEMENTS
from wxbus.wechat.documents.shapes import REPEATED_TEXTS, WRAPPED

_LISTED: Final = REPEATED_TEXTS | WRAPPED
_SPECIAL: Final = (b"\\", b"\xef\xbf")
r"""Escapes, and the first bytes of U+FFFE and U+FFFF (of other rare characters, too)."""


def read_flat(body: bytes) -> Document | None:
    """Return the document of a body whose values are all texts, as `document_to_json` writes them; None for any other.

    Every name occurs once: without escapes, a body has four quotes for each member.
    """
    if any(special in body for special in _SPECIAL):
        return None
    try:
        document = from_json(body)
    except ValueError:
        return None
    if type(document) is not dict or 4 * len(document) != body.count(b'"') or len(document) > MAX_ELEMENTS:
        return None
    flat = all(type(value) is str for value in document.values()) and _LISTED.isdisjoint(document)
    return document if flat else None
