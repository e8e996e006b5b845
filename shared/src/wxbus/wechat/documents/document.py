"""The one shape of a decoded callback, whether it came as XML or as JSON.

Names are WeChat's own. A scalar is always a string (ids exceed 2**53, and XML has nothing else); an element
that may repeat is always a list; whatever is empty (element, object, array, null) is "".
"""

from typing import Final, TypeAlias

Value: TypeAlias = "str | Document | list[Value]"
Document: TypeAlias = dict[str, Value]

RAW_BODY: Final = "#body"
"""Member with the body itself, of an XML push that has more than one reading. No element can be called so."""
REPLACEMENT: Final = "\ufffd"
"""Stands for what is no character."""


def text(document: Document, name: str) -> str:
    """Return the scalar called `name`, or "" if there is none or it is not a scalar."""
    value = document.get(name)
    return value if isinstance(value, str) else ""
