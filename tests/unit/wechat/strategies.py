"""Hypothesis strategies for documents that both formats can represent."""

import string

from hypothesis import strategies as st

from wxbus.wechat.documents.document import Document
from wxbus.wechat.documents.shapes import REPEATED, REPEATED_TEXTS, WRAPPED

_SPECIAL = REPEATED | REPEATED_TEXTS | WRAPPED | {"Event", "MsgType", "InfoType"}

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=30
) | st.text("]>[<!&CDAT\n\t", max_size=12)
"""Text that XML can represent; XML reads a carriage return as a line feed."""
_initials = string.ascii_letters + "_"
names = st.builds(
    str.__add__, st.sampled_from(_initials), st.text(_initials + string.digits + ".-", max_size=12)
).filter(lambda name: name not in _SPECIAL)


def _members(inner: st.SearchStrategy[Document]) -> st.SearchStrategy[Document]:
    plain = st.dictionaries(names, texts | inner | st.lists(texts | inner, min_size=2, max_size=4), max_size=4)
    repeated = st.dictionaries(st.sampled_from(sorted(REPEATED)), st.lists(inner, min_size=1, max_size=3), max_size=2)
    wrapped = st.dictionaries(st.sampled_from(sorted(WRAPPED)), st.lists(inner, min_size=1, max_size=3), max_size=1)
    return st.builds(lambda *parts: parts[0] | parts[1] | parts[2], plain, repeated, wrapped)


documents: st.SearchStrategy[Document] = st.recursive(
    st.dictionaries(names, texts, min_size=1, max_size=5),
    lambda inner: _members(inner).filter(bool),
    max_leaves=8,
)
