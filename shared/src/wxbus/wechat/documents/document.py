"""The common form of a decoded XML or JSON callback.

Names are those of WeChat. A scalar is always a string, because ids exceed 2**53 and XML has no numbers. An element that
may repeat is always a list. An empty element, object or array and null are "".
"""

from typing import Final, TypeAlias

Value: TypeAlias = "str | Document | list[Value]"
Document: TypeAlias = dict[str, Value]

RAW_BODY: Final = "#body"
"""Name of the member with the raw body of an ambiguous XML push. It is not a valid element name."""
REPLACEMENT: Final = "\ufffd"
"""Replaces invalid characters."""


def scalar_at(value: Value, path: str) -> str:
    """Return the scalar at a path; of a list, the scalars of all items joined by commas."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        return ",".join(scalar_at(item, path) for item in value)
    if not isinstance(value, dict):
        return ""
    return scalar_at(value.get(name, ""), rest) if rest else text(value, name)


def text(document: Document, name: str) -> str:
    """Return the scalar `name`, or "" if it is absent or not a scalar."""
    value = document.get(name)
    return value if isinstance(value, str) else ""
