"""User texts that close their own element, because WeChat does not escape them."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from wxbus.errors import MalformedCallback
from wxbus.wechat import TextMessage, UnknownEvent, UnknownMessage, parse_message
from wxbus.wechat.documents.codec import document_from_json, document_to_json, parse
from wxbus.wechat.documents.document import RAW_BODY
from wxbus.wechat.documents.limits import MAX_ELEMENTS
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of

Build = Callable[..., bytes]

IDS = ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "ChangeType")
FORGED = ("FromUserName", "ToUserName", "MsgType", "Event", "MsgId", "CreateTime", "bizmsgmenuid", "UserID", "OpenID")


def element(name: str, value: str) -> str:
    """Return an element like WeChat, without escaping."""
    return f"<{name}><![CDATA[{value}]]></{name}>"


def header(kind: str) -> str:
    """Return the first fields of every push."""
    fields = {"ToUserName": "gh_1", "FromUserName": "o1", "MsgType": kind}
    return "".join(element(name, value) for name, value in fields.items()) + "<CreateTime>17</CreateTime>"


def text_message(content: str) -> bytes:
    """Return the push of a text message."""
    return f"<xml>{header('text')}{element('Content', content)}<MsgId>9</MsgId></xml>".encode()


def link_message(title: str, description: str = "d") -> bytes:
    """Return the push of a link; both texts are user text."""
    texts = element("Title", title) + element("Description", description) + element("Url", "http://a.test/")
    return f"<xml>{header('link')}{texts}<MsgId>9</MsgId></xml>".encode()


def place_event(label: str, name: str = "n") -> bytes:
    """Return the push of a location from the menu; both texts are inside a structure."""
    place = f"<SendLocationInfo>{element('Label', label)}{element('Poiname', name)}</SendLocationInfo>"
    return (
        f"<xml>{header('event')}{element('Event', 'location_select')}{place}{element('EventKey', 'k')}</xml>".encode()
    )


def contact_event(alias: str, position: str = "p") -> bytes:
    """Return the push of a changed contact; some texts are user text."""
    fields = {"Event": "change_contact", "ChangeType": "update_user", "UserID": "u1", "Alias": alias}
    fields |= {"Position": position}
    return f"<xml>{header('event')}{''.join(element(*field) for field in fields.items())}</xml>".encode()


BUILDS: dict[str, Build] = {
    "text": text_message,
    "link": link_message,
    "place": place_event,
    "contact": contact_event,
}
TWO_TEXTS = {"link": ("Title", "Description"), "place": ("Label", "Poiname"), "contact": ("Alias", "Position")}


@pytest.mark.parametrize(
    "content",
    [
        "if (a[b[1]]>0)",
        "]]>",
        "]]>]]>",
        "a]]><![CDATA[b",
        "<![CDATA[",
        "<xml><A><![CDATA[x]]></A></xml>",
        "<xml><Content><![CDATA[x]]></Content><MsgId>1</MsgId></xml>",
        "x]]></Content><FromUserName><![CDATA[o2]]></FromUserName><Content><![CDATA[y",
        "x]]></Content></xml>",
        "x]]></Content><!--",
        "x]]> </Content>\n<Content> <![CDATA[",
        '<a href="x">&amp;&nope;</a>',
        " \n blanks \n ",
    ],
)
def test_a_text_message_is_unchanged(content: str) -> None:
    """The content of a text message ends at its last closing tag, so it is exactly the user's text."""
    message = parse_message(parse(text_message(content)))

    assert isinstance(message, TextMessage)
    assert (message.content, message.from_user, message.msg_id) == (content, "o1", "9")


@pytest.mark.parametrize("kind", TWO_TEXTS)
def test_other_texts_may_contain_the_section_end(kind: str) -> None:
    """Other user texts keep `]]>`, brackets and markup if they do not close an element."""
    for content in ("a[b[1]]>0", "]]>", "<b>]]>", '<a href="x">'):
        document = parse(BUILDS[kind](content, content))
        assert RAW_BODY not in document
        assert json.dumps(document).count(json.dumps(content)) == 2


forged = st.lists(
    st.tuples(st.sampled_from(FORGED), st.sampled_from(["o2", "event", "subscribe", "7"])), min_size=1, max_size=3
).map(lambda fields: "".join(element(*field) for field in fields))
noise = st.lists(
    st.sampled_from(
        [
            *(
                "]]>",
                "<![CDATA[",
                "</",
                ">",
                "<",
                "<!--",
                "-->",
                "<?a ",
                "?>",
                "</xml>",
                "<xml>",
                "x",
                " ",
                "\n",
                "&",
                "'",
            ),
            *(f"<{name}>" for name in ("Content", "Title", "Description", "Label", "Poiname", "SendLocationInfo", "X")),
            *(
                f"</{name}>"
                for name in ("Content", "Title", "Description", "Label", "Poiname", "SendLocationInfo", "X")
            ),
            *(f"<{name}>" for name in ("Alias", "Position", *FORGED)),
            *(f"</{name}>" for name in ("Alias", "Position", *FORGED)),
            *("]]></Content>", "]]></Title>", "]]></Description>", "]]></Alias>", "]]></Position>", "]]></X>"),
            *("<Title><![CDATA[", "<Description><![CDATA[", "<Alias><![CDATA[", "<X><![CDATA["),
        ]
    ),
    max_size=14,
).map("".join)


@st.composite
def escapes(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return a kind of push and two texts that try to forge fields."""
    kind = draw(st.sampled_from(sorted(TWO_TEXTS)))
    first, second = TWO_TEXTS[kind]
    fields = draw(forged)
    structure = "SendLocationInfo" if kind == "place" else ""
    out, back = (f"</{structure}>", f"<{structure}>") if structure else ("", "")
    cover = draw(st.sampled_from(["X", "Y", first, second]))
    end = f"]]></{second}>{out}</{cover}>{fields}{back}<{second}><![CDATA["
    ways = [
        # One text: closes its element, adds forged fields, reopens the element.
        (f"a]]></{first}>{out}{fields}{back}<{first}><![CDATA[b", "d"),
        ("t", f"a]]></{second}>{out}{fields}{back}<{second}><![CDATA[b"),
        # Two texts: hide WeChat's fields between them in a structure, text, comment or instruction.
        (f"a]]></{first}><{cover}><{first}><![CDATA[", end if not out else f"]]></{second}></{cover}>{fields}"),
        (f"a]]></{first}>{out}<{cover}>{back}<{first}><![CDATA[", end),
        (f"a]]></{first}><{cover}><![CDATA[", f"]]></{cover}>{fields}<{second}><![CDATA["),
        (f"a]]></{first}><!--", f"-->{fields}<{second}><![CDATA["),
        (f"a]]></{first}><?a ", f"?>{fields}<{second}><![CDATA["),
        (f"a]]></{first}><{cover} a='", f"'/>{fields}<{second}><![CDATA["),
    ]
    return kind, *draw(st.sampled_from(ways))


def check(kind: str, *texts: str) -> None:
    """Check that the user texts did not change WeChat's fields."""
    honest = parse(BUILDS[kind](*("x" for _ in texts)))
    document = parse(BUILDS[kind](*texts))

    for name in IDS:
        assert document.get(name) == honest.get(name)
    assert openid_of(document) == openid_of(honest)
    assert lane_of("wx1", document) in {lane_of("wx1", honest), "wx1:change_contact"}
    message = parse_message(document)
    assert message.from_user == "o1"
    assert document_from_json(document_to_json(document)) == document
    if RAW_BODY in document:
        assert isinstance(message, UnknownEvent if kind in {"place", "contact"} else UnknownMessage)
        assert message.raw_body.encode() == BUILDS[kind](*texts)
        assert set(document) <= {*IDS, RAW_BODY}
    else:
        assert set(document) == set(honest)
        assert document.get("MsgId") == honest.get("MsgId")


@given(escapes())
def test_a_text_that_closes_its_element_forges_nothing(attack: tuple[str, str, str]) -> None:
    """A text with the end of its element and forged fields changes no sender, type or id, and adds no field."""
    check(*attack)


@given(st.sampled_from(sorted(TWO_TEXTS)), noise, noise)
@example("link", "a]]></Title><X><Title><![CDATA[", "]]></Description></X><MsgId>1</MsgId><Description><![CDATA[")
def test_noise_in_two_texts_forges_nothing(kind: str, first: str, second: str) -> None:
    """Random markup in user texts does not change sender, type or ids."""
    check(kind, first, second)


@given(noise)
def test_noise_in_a_text_is_the_text(content: str) -> None:
    """Random markup in a text message is its content."""
    assume("]]]]><![CDATA[>" not in content)  # the escaped form of the section end
    document = parse(text_message(content))
    assert document["Content"] == content
    assert (document["FromUserName"], document["MsgId"], len(document)) == ("o1", "9", 6)


@given(noise)
def test_an_ambiguous_push_has_a_stable_dedup_id(title: str) -> None:
    """Retries of an ambiguous push have the same dedup id; another text has a different one."""
    one, again, other = (parse(link_message(text)) for text in (title, title, title + "x"))
    assert dedup_id("wx1", one) == dedup_id("wx1", again)
    if RAW_BODY in one:
        assert dedup_id("wx1", one) != dedup_id("wx1", other)


def test_repeated_elements_are_not_a_forgery() -> None:
    """Lists repeat the names of texts in adjacent and in nested elements."""
    records = "".join(
        f"<SpRecord>{element('Speech', speech)}<Details><Approver>{element('UserId', 'a')}</Approver>"
        f"{element('Speech', speech)}</Details></SpRecord>"
        for speech in ("yes", "no")
    )
    body = (
        f"<xml>{header('event')}{element('Event', 'sys_approval_change')}<ApprovalInfo>{element('SpName', 'leave')}"
        f"<Applyer>{element('UserId', 'b')}</Applyer>{records}<Notifyer>{element('UserId', 'c')}</Notifyer>"
        "</ApprovalInfo></xml>"
    )
    info = parse(body.encode())["ApprovalInfo"]
    assert isinstance(info, dict)
    assert [record["Speech"] for record in info["SpRecord"]] == ["yes", "no"]  # type: ignore[index,call-overload]


def test_a_body_without_a_header_is_rejected() -> None:
    """An ambiguous body without WeChat's header, or truncated, is rejected."""
    with pytest.raises(MalformedCallback):
        parse(b"<xml><A><![CDATA[a]]></A><B></xml>")
    with pytest.raises(MalformedCallback):
        parse(link_message("]]></Title><!--")[:-1])


HOSTILE = {
    "attributes": b"<xml " + b" ".join(b'a%d=""' % number for number in range(100_000)) + b"/>",
    "inner attributes": b"<xml><a " + b" ".join(b'a%d=""' % number for number in range(100_000)) + b"/></xml>",
    "namespaces": b"<xml " + b" ".join(b'xmlns:a%d="x"' % number for number in range(60_000)) + b"/>",
    "instructions": b"<xml>" + b"<?a?>" * 200_000 + b"</xml>",
    "comments": b"<xml>" + b"<!---->" * 140_000 + b"</xml>",
    "sections": b"<xml><A>" + b"<![CDATA[]]>" * 80_000 + b"</A></xml>",
    "ends": b"<xml><A><![CDATA[" + b"]]></B>" * 140_000 + b"]]></A></xml>",
    "references": b"<xml><A>" + b"&lt;" * 250_000 + b"</A></xml>",
    "document type": b"<!DOCTYPE xml [" + b"<!ENTITY a 'b'>" * 66_000 + b"]><xml/>",
    "halves": b'{"Encrypt":"' + rb"\ud800" * 174_000 + b'"}',
    "halves between": b'{"Encrypt":"' + rb"\ud800a" * 140_000 + b'"}',
    "texts": b'{"a":[[[[[[[[[[[[[[[[[["' + b'""' * 480_000 + b'"}',
    "quotes": b'{"a":"[[[[[[[[[[[[[[[[[",' + b'"a":"",' * 4_000 + b'"b":"' + b'\\"' * 480_000 + b'"}',
    "brackets": b'{"a":' + b"[" * 1_000_000,
    "members": b"{" + b",".join(b'"a%d":1' % number for number in range(80_000)) + b"}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_costs_no_more_than_text(name: str) -> None:
    """Parsing an unsigned body takes few steps for every kind of markup.

    A parser that visits each of a megabyte of attributes or escapes needs more than a hundred thousand steps.
    """
    assert steps(HOSTILE[name]) < 12 * MAX_ELEMENTS + 1_000


def steps(body: bytes) -> int:
    """Return the number of executed lines when a body is parsed."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(MalformedCallback):
            parse(body)
    finally:
        sys.settrace(before)
    return count
