"""The reader of flat pushes reads what the full reader reads, or nothing."""

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.wechat.test_xml_reader import element, header, text_message
from wxbus.errors import MalformedCallback
from wxbus.wechat.callbacks.crypto import PLAIN_FIELDS
from wxbus.wechat.documents.codec import parse
from wxbus.wechat.documents.document import Document
from wxbus.wechat.documents.flat_xml import MAX_FLAT, read_flat, read_sealed
from wxbus.wechat.documents.xml_reader import read_xml

NAMES = ("Content", "MsgType", "MsgId", "A", "Articles")
PIECES = (
    *(f"<{name}>" for name in NAMES),
    *(f"</{name}>" for name in NAMES),
    *(f"<{name}><![CDATA[" for name in NAMES),
    *(f"]]></{name}>" for name in NAMES),
    *("<A/>", "<![CDATA[", "]]>", "]", ">", " ", "\n", "&amp;", "&", "text", "你", "<A >", "</xml>", "<xml>"),
)
"""From these a user, or a broken sender, can build every ambiguity."""
WHOLE = st.sampled_from([element(name, "text") for name in NAMES] + ["<MsgId>9</MsgId>", header("text")])


def fully_read(body: str) -> Document | None:
    """Return what the full reader reads, None if it refuses the body."""
    with suppress(MalformedCallback):
        return read_xml(body)
    return None


@given(st.lists(WHOLE | st.sampled_from(PIECES), max_size=9).map("".join))
@example(element("Content", "a]]></Content><MsgId>1</MsgId><A><![CDATA["))
@example(element("Content", "a]]></Content><Content><![CDATA[b"))
@example(header("text") + element("Content", "]]>"))
@example("<A> \n</A>")
def test_it_agrees_with_the_full_reader(inside: str) -> None:
    """Whatever it returns, the full reader returns the same; the header is that of WeChat, never a forged one."""
    for body in (f"<xml>{inside}</xml>", f"<xml>{header('text')}{inside}</xml>", inside):
        found = read_flat(body)
        assert found is None or found == fully_read(body)


def test_it_reads_usual_pushes_and_leaves_others() -> None:
    """A message, an event and an encrypted body are read; what has a trace of another meaning is left."""
    sealed = f"<xml>\n{element('ToUserName', 'gh_1')}\n{element('Encrypt', 'QUJD' * 50)}\n</xml>"
    event = f"<xml>{header('event')}{element('Event', 'CLICK')}{element('EventKey', '')}</xml>"
    for body in (sealed, event, text_message("你好 <b>&amp;").decode()):
        assert read_flat(body) == read_xml(body)
    deep, repeated = "<xml><A><B>1</B></A></xml>", "<xml><A>1</A><A>2</A></xml>"
    many = f"<xml>{''.join(f'<A{number}>1</A{number}>' for number in range(MAX_FLAT + 1))}</xml>"
    for body in (deep, repeated, many, text_message("a]b").decode(), "<xml></xml>", "<xml>", "<a></a>", ""):
        assert read_flat(body) is None, body


NAMED = [element(name, "gh_1") for name in ("ToUserName", "AppId", "AgentID", "FromUserName", "MsgType")]
SEALED = [element("Encrypt", "QUJD"), element("Encrypt", "QU+/="), element("Encrypt", ""), element("Encrypt", "a]b")]


@given(st.lists(st.sampled_from([*NAMED, *SEALED, "\n", " ", *PIECES]), max_size=6).map("".join))
@example(element("ToUserName", "gh_1") + "\n" + element("Encrypt", "QUJD") + "\n" + element("AgentID", "7"))
@example(element("Encrypt", "QUJD") + element("MsgType", "text"))
@example(element("Encrypt", "QUJD") + element("Encrypt", "QUJE"))
def test_the_encrypted_text_is_that_of_the_full_reader(inside: str) -> None:
    """Whatever is read without parsing the body, the parsed body has it too, and is in secure mode."""
    body = f"<xml>{inside}</xml>".encode()
    found = read_sealed(body)
    if found is not None:
        parsed = parse(body)
        assert parsed["Encrypt"] == found
        assert PLAIN_FIELDS.isdisjoint(parsed)


def test_the_encrypted_text_of_usual_bodies_is_read_without_parsing() -> None:
    """Those of Official Accounts, of platforms and of WeCom; compatible mode and blanks around the root are left."""
    for before, after in (("ToUserName", ""), ("AppId", ""), ("ToUserName", "AgentID"), ("", "")):
        names = [element(name, "a-1@b") if name else "" for name in (before, after)]
        assert read_sealed(f"<xml>\n{names[0]}\n{element('Encrypt', 'QUJD')}{names[1]}\r\n</xml>".encode()) == "QUJD"
    for body in (f"<xml>{header('text')}{element('Encrypt', 'QUJD')}</xml>", "<xml></xml>", "", "{}"):
        assert read_sealed(body.encode()) is None
