"""Names that are lists: XML cannot distinguish one element from a list of one, and JSON has several forms."""

from typing import Final

from wxbus.wechat.documents.document import Document, Value

REPEATED: Final = frozenset(
    {
        *("List", "list", "item", "AroundBeacon", "Actions", "detail", "material", "history"),
        *("GoodsList", "voucher_list", "AccountList"),
        # WeCom: approvals, contacts, cards (WeCom reference 5.2 to 5.6).
        *("SpRecord", "Details", "Notifyer", "Comments", "NodeList", "SubNodeList"),
        *("ApprovalNode", "NotifyNode", "Item", "SelectedItem", "OperatedUser"),
    }
)
"""Structures that may repeat (protocol reference 6); always a list."""
REPEATED_TEXTS: Final = frozenset(
    {"SpaceId", "FileId", "DocId", "AuthAddOpenKfId", "AuthDelOpenKfId", "GroupId", "OptionId", "OpitonId"}
)
"""Texts that may repeat (WeCom reference 5.6); always a list."""
WRAPPED: Final = frozenset({"Articles", "PicList", "ResultList"})
"""Lists that XML writes as `<name><item/>...</name>` and JSON as an array."""


def member(name: str, value: Value) -> Value:
    """Return the value of a member in the common form of XML and JSON."""
    if name in WRAPPED:
        return _unwrapped(value)
    listed = name in REPEATED if isinstance(value, dict) else name in REPEATED_TEXTS and value != ""
    return [value] if listed and not isinstance(value, list) else value


def add_sibling(parent: Document, name: str, value: Value) -> None:
    """Add an element to its parent; elements with the same name become a list in document order."""
    value = member(name, value)
    if name not in parent:
        parent[name] = value
        return
    before = parent[name]
    added = value if isinstance(value, list) else [value] if name not in WRAPPED else []
    if isinstance(before, list):
        before.extend(added)
    elif name in WRAPPED:  # the first element was empty
        parent[name] = value
    else:
        parent[name] = [before, *added]


def _unwrapped(value: Value) -> Value:
    """Return the items of a wrapped list, "" if there are none."""
    if isinstance(value, dict) and value.keys() == {"item"}:
        return _unwrapped(value["item"])
    if not isinstance(value, list):
        return [value] if value != "" else ""
    items: list[Value] = []
    for item in value:
        inner = _unwrapped(item) if isinstance(item, dict) else item
        items.extend(inner if isinstance(inner, list) else [inner])
    return items or ""
