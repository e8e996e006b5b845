"""The reader of flat JSON bodies reads what the full reader reads, or nothing."""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.codec import document_from_json, document_to_json
from wxbus.wechat.documents.document import Document
from wxbus.wechat.documents.flat_json import read_flat
from wxbus.wechat.documents.json_reader import read_json
from wxbus.wechat.documents.limits import MAX_ELEMENTS

PIECES = (
    *('"Content"', '"MsgId"', '"SpaceId"', '"Articles"', '""', '"a b"', '"你 ￥"', '"a\nb"', '"\\""', '"\\ud800"'),
    *('"\ufffe"', "{", "}", "[", "]", ":", ",", " ", '"', "1", "-0", "1.50", "true", "null", "NaN", "\\", "\ufeff"),
)
"""From these a broken sender can build every ambiguity."""
MEMBERS = st.tuples(st.sampled_from(PIECES[:11]), st.sampled_from(PIECES)).map(":".join)


def fully_read(body: bytes) -> Document | None:
    """Return what the full reader reads, None if it refuses the body."""
    with suppress(MalformedCallback):
        return read_json(body.decode().replace("\ufffe", "\ufffd"))
    return None


@given(
    st.lists(MEMBERS, max_size=4).map(lambda pairs: f"{{{','.join(pairs)}}}")
    | st.lists(st.sampled_from(PIECES)).map("".join)
)
@example('{"a":"1","a":"2"}')
@example('{"a":1,"a":"2"}')
@example('{"SpaceId":"1"}')
@example('{"a":"1"} x')
def test_it_agrees_with_the_full_reader(body: str) -> None:
    """Whatever it returns, the full reader returns the same."""
    found = read_flat(body.encode())
    assert found is None or found == fully_read(body.encode())


def test_it_reads_usual_bodies_and_leaves_others() -> None:
    """What ingress writes for a text is read; numbers, structures, escapes, invalid bytes and long bodies are left."""
    text: Document = {"MsgType": "text", "Content": "你好, order 17", "MsgId": "9007199254740993"}
    assert read_flat(document_to_json(text)) == text
    many = document_to_json({f"a{number}": "" for number in range(MAX_ELEMENTS + 1)})
    others = (b'{"a":1}', b'{"a":{}}', rb'{"a":"\n"}', b'{"a":"\xff"}', b"[]", b"1", b"", b"{}x", many)
    assert [body for body in others if read_flat(body) is not None] == []


def test_control_characters_travel() -> None:
    """A text that is left to the full reader comes out as it went in."""
    document: Document = {"Content": "".join(map(chr, range(0x20)))}
    assert document_from_json(document_to_json(document)) == document
