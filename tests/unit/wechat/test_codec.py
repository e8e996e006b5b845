"""Parsing and rendering of XML and JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wechat.strategies import documents
from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.codec import (
    IDENTIFIERS,
    Format,
    Renderable,
    document_from_json,
    document_to_json,
    parse,
    render,
    sniff,
)
from wxbus.wechat.documents.document import Document
from wxbus.wechat.documents.json_reader import MAX_ESCAPES
from wxbus.wechat.documents.limits import MAX_DEPTH, MAX_ELEMENTS
from wxbus.wechat.documents.shapes import REPEATED, REPEATED_TEXTS

MIB = 1024 * 1024


@given(documents, st.sampled_from(Format))
def test_round_trip(document: Document, form: Format) -> None:
    """Parsing restores every rendered document, including `]]>` and markup in texts."""
    assert parse(render(document, form)) == document


@given(documents)
def test_both_formats_give_the_same_document(document: Document) -> None:
    """The document of a push does not depend on its format."""
    assert parse(render(document, Format.XML)) == parse(render(document, Format.JSON))


@given(documents)
def test_envelope_round_trip(document: Document) -> None:
    """Reading an envelope body restores the document."""
    assert document_from_json(document_to_json(document)) == document


HEADER = (
    "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>1</CreateTime>"
)
JSON_HEADER: dict[str, Any] = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1}


def subscribe(event: str, wrapper: str, *items: str) -> str:
    """Return an XML subscribe event of an Official Account."""
    lists = "".join(f"<List>{item}</List>" for item in items)
    return f"<Event><![CDATA[{event}]]></Event><{wrapper}>{lists}</{wrapper}>"


@pytest.mark.parametrize(
    ("xml", "obj"),
    [
        pytest.param(
            "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>6074746557628292943</MsgId>",
            {"MsgType": "text", "Content": "你好", "MsgId": 6074746557628292943},
            id="text",
        ),
        pytest.param(
            "<MsgType>location</MsgType><Location_X>23.137466</Location_X><Label></Label><Url/>",
            {"MsgType": "location", "Location_X": 23.137466, "Label": "", "Url": None},
            id="decimals and nothing",
        ),
        pytest.param(
            subscribe(
                "subscribe_msg_popup_event",
                "SubscribeMsgPopupEvent",
                "<TemplateId>t</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>2</PopupScene>",
            ),
            {
                "Event": "subscribe_msg_popup_event",
                "List": {"TemplateId": "t", "SubscribeStatusString": "accept", "PopupScene": "2"},
            },
            id="one subscription",
        ),
        pytest.param(
            subscribe(
                "subscribe_msg_sent_event",
                "SubscribeMsgSentEvent",
                "<TemplateId>t</TemplateId><ErrorCode>0</ErrorCode>",
                "<TemplateId>u</TemplateId><ErrorCode>43101</ErrorCode>",
            ),
            {
                "Event": "subscribe_msg_sent_event",
                "List": [{"TemplateId": "t", "ErrorCode": "0"}, {"TemplateId": "u", "ErrorCode": 43101}],
            },
            id="two subscriptions",
        ),
        pytest.param(
            "<Event>pic_weixin</Event><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>5a</PicMd5Sum></item></PicList>"
            "</SendPicsInfo>",
            {"Event": "pic_weixin", "SendPicsInfo": {"Count": 1, "PicList": [{"PicMd5Sum": "5a"}]}},
            id="one picture",
        ),
        pytest.param(
            "<Event>pic_weixin</Event><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>5a</PicMd5Sum></item>"
            "<item><PicMd5Sum>5b</PicMd5Sum></item></PicList></SendPicsInfo>",
            {
                "Event": "pic_weixin",
                "SendPicsInfo": {"Count": 2, "PicList": {"item": [{"PicMd5Sum": "5a"}, {"PicMd5Sum": "5b"}]}},
            },
            id="two pictures",
        ),
        pytest.param(
            "<Event>pic_weixin</Event><SendPicsInfo><Count>0</Count><PicList></PicList></SendPicsInfo>",
            {"Event": "pic_weixin", "SendPicsInfo": {"Count": 0, "PicList": []}},
            id="no pictures",
        ),
        pytest.param(
            "<Event>wxa_media_check</Event><result><suggest>risky</suggest></result><detail><label>100</label></detail>",
            {"Event": "wxa_media_check", "result": {"suggest": "risky"}, "detail": [{"label": 100}]},
            id="one detail",
        ),
        pytest.param(
            '<Event>wxa_punish_event</Event><detail><![CDATA[{"a":1}]]></detail>',
            {"Event": "wxa_punish_event", "detail": '{"a":1}'},
            id="detail that is text",
        ),
        pytest.param(
            "<Event>PUBLISHJOBFINISH</Event><PublishEventInfo><article_detail><count>1</count><item><idx>1</idx></item>"
            "</article_detail></PublishEventInfo>",
            {
                "Event": "PUBLISHJOBFINISH",
                "PublishEventInfo": {"article_detail": {"count": 1, "item": [{"idx": 1}]}},
            },
            id="one article",
        ),
        pytest.param(
            "<Event>x</Event><flag>true</flag><other>false</other><empty></empty>",
            {"Event": "x", "flag": True, "other": False, "empty": {}},
            id="true, false and the empty object",
        ),
    ],
)
def test_two_forms_of_one_push_are_equal(xml: str, obj: dict[str, Any]) -> None:
    """A push has the same document as XML and as JSON, including numbers and all forms of lists."""
    from_xml = parse(f"<xml>{HEADER}{xml}</xml>".encode())
    from_json = parse(json.dumps(JSON_HEADER | obj, ensure_ascii=False).encode())
    assert from_xml == from_json


def test_large_ids_keep_all_their_digits() -> None:
    """Numbers become their exact text: ids over 2**53 and decimals are unchanged."""
    assert parse(b'{"MsgId":23456789012345678901234,"X":1.10,"Y":1e400}') == {
        "MsgId": "23456789012345678901234",
        "X": "1.10",
        "Y": "1e400",
    }


@pytest.mark.parametrize(
    "body",
    [b"\xef\xbb\xbf<xml><A>1</A></xml>", b"\n \t<xml>\n <A>1</A>\n</xml>\n", b"\xef\xbb\xbf\n<xml><A>1</A></xml>"],
)
def test_blanks_and_byte_order_mark_before_the_root(body: bytes) -> None:
    """A byte order mark and blanks before the root and between elements are ignored (protocol reference 13, trap 4)."""
    assert parse(body) == {"A": "1"}
    assert parse(body.replace(b"<xml>", b'<?xml version="1.0" encoding="GBK"?><xml>')) == {"A": "1"}


def test_text_is_kept_exactly() -> None:
    """References are resolved once, blanks belong to the text, and a split section end is restored."""
    assert parse(b"<xml><A> a&lt;b>&amp;&#20320;&#x4f60;&amp;#97; </A></xml>") == {"A": " a<b>&你你&#97; "}
    assert parse(b"<xml><A><![CDATA[ &lt; a]]]]><![CDATA[>b ]]></A></xml>") == {"A": " &lt; a]]>b "}


@pytest.mark.parametrize("layout", [" ", "\n", "\r\n\t "])
def test_layout_around_a_section_is_ignored(layout: str) -> None:
    """Blanks and line breaks around CDATA are ignored, those inside are text: WeCom adds line breaks."""
    body = "<xml>|<InfoType>|<![CDATA[suite_ticket]]>|</InfoType>|<A>|<![CDATA[ a\nb ]]>|</A>|</xml>"
    assert parse(body.replace("|", layout).encode()) == {"InfoType": "suite_ticket", "A": " a\nb "}


def test_blanks_around_the_type_are_removed() -> None:
    """WeCom adds blanks around some event names; they are removed."""
    assert parse(b"<xml><InfoType><![CDATA[ suite_ticket]]></InfoType></xml>") == {"InfoType": "suite_ticket"}
    assert parse(b'{"MsgType":"event ","Event":" click"}') == {"MsgType": "event", "Event": "click"}


def test_long_text_is_whole() -> None:
    """Long text is complete."""
    content = "你好]]>" * 20_000
    assert parse(render({"Content": content}, Format.XML)) == {"Content": content}


def test_control_characters_are_removed() -> None:
    """Control characters that XML forbids are removed; the message is accepted."""
    assert parse(b"<xml><Content><![CDATA[a\x0bb\x00c]]></Content></xml>") == {"Content": "abc"}
    assert render({"Content": "a\x0bb"}, Format.XML) == b"<xml><Content><![CDATA[ab]]></Content></xml>"


def test_lone_surrogates_are_replaced() -> None:
    """Lone surrogates in JSON are replaced, because UTF-8 cannot encode them."""
    document = parse(b'{"A\\udc00":"x\\ud83d","B":["\\ud83d\\ude00","\\udc00"],"C":"\\ufffe\\uFFFF\\uff0c"}')
    assert document == {"A\ufffd": "x\ufffd", "B": ["\U0001f600", "\ufffd"], "C": "\ufffd\ufffd\uff0c"}
    document_to_json(document)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Format.XML, b"<xml><MsgId>23</MsgId><A><![CDATA[%s]]></A></xml>"),
        (Format.XML, b"<xml><MsgId>23</MsgId><A>%s</A></xml>"),
        (Format.JSON, b'{"MsgId":23,"A":"%s"}'),
    ],
)
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a\xe4\xbd", "a\ufffd"),
        (b"\xffa\xfe", "\ufffda\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("\ufffe\uffff你".encode(), "\ufffd\ufffd你"),
    ],
)
def test_invalid_characters_are_replaced(form: Format, body: bytes, written: bytes, read: str) -> None:
    """Truncated characters and non-characters are replaced."""
    assert sniff(body) is form
    assert parse(body % written) == {"MsgId": "23", "A": read}


def test_invalid_characters_are_replaced_at_any_depth() -> None:
    """Invalid characters are replaced at any depth; names that become equal are rejected."""
    body = rb'{"a":{"b\ud800":["\udc00",{"c":"\uffff"}]}}'
    assert parse(body) == {"a": {"b\ufffd": ["\ufffd", {"c": "\ufffd"}]}}
    with pytest.raises(MalformedCallback, match="duplicate name"):
        parse(rb'{"a":{"b\ud800":"1","b\udc00":"2"}}')


def test_the_number_of_escapes_is_limited() -> None:
    """Too many escapes that may need a replacement are rejected; the error names the limit."""
    assert parse(b'{"a":"%s"}' % (rb"\ud800" * MAX_ESCAPES)) == {"a": "\ufffd" * MAX_ESCAPES}
    with pytest.raises(MalformedCallback, match=f"more than {MAX_ESCAPES} escapes"):
        parse(b'{"a":"%s"}' % (rb"\ud800" * (MAX_ESCAPES + 1)))


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b""])
def test_an_envelope_body_is_an_object(body: bytes) -> None:
    """An envelope body that is not a JSON object is malformed."""
    with pytest.raises(MalformedCallback):
        document_from_json(body)


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_invalid_id_is_rejected(name: str) -> None:
    """An invalid character in an id or type is rejected, because a replacement could make two ids equal."""
    for body in (b"<xml><%s>a\xff</%s></xml>" % (name.encode(), name.encode()), b'{"%s":"a\\ud800"}' % name.encode()):
        with pytest.raises(MalformedCallback, match=name):
            parse(body)


@given(st.text(st.characters(max_codepoint=0x1F)))
def test_json_text_may_hold_control_characters(content: str) -> None:
    """An unescaped control character inside a JSON string is text."""
    assert parse(b'{"Content":"a%sb"}' % content.encode()) == {"Content": f"a{content}b"}


PICTURES = [{"PicMd5Sum": "5a"}, {"PicMd5Sum": "5b"}, {"PicMd5Sum": "5c"}]


@pytest.mark.parametrize(
    "body",
    [
        "<PicList><item>0</item><item>1</item><item>2</item></PicList>",
        "<PicList><item>0</item></PicList><PicList><item>1</item></PicList><PicList><item>2</item></PicList>",
        "<PicList><item>0</item><item>1</item></PicList><PicList></PicList><PicList><item>2</item></PicList>",
        "<PicList/><PicList><item>0</item></PicList><PicList><item>1</item><item>2</item></PicList>",
    ],
)
def test_every_item_of_a_list_in_xml_is_kept(body: str) -> None:
    """All items of a list are kept, in one element or in several with the same name."""
    for number, picture in enumerate(PICTURES):
        body = body.replace(f"<item>{number}", f"<item><PicMd5Sum>{picture['PicMd5Sum']}</PicMd5Sum>")
    assert parse(f"<xml>{body}</xml>".encode()) == {"PicList": PICTURES}


@pytest.mark.parametrize(
    "listed",
    [
        PICTURES,
        {"item": PICTURES},
        [{"item": picture} for picture in PICTURES],
        [{"item": PICTURES[:2]}, {"item": PICTURES[2]}],
    ],
)
def test_every_item_of_a_list_in_json_is_kept(listed: Any) -> None:
    """All items of a list are kept, in every form of the list."""
    assert parse(json.dumps({"PicList": listed}).encode()) == {"PicList": PICTURES}


@pytest.mark.parametrize("name", sorted(REPEATED))
def test_repeatable_structures_are_lists(name: str) -> None:
    """A single structure that may repeat is a list of one in both formats."""
    for count in (1, 2, 3):
        xml = f"<xml>{f'<{name}><A>1</A></{name}>' * count}</xml>"
        records = [{"A": 1}] * count
        assert parse(xml.encode()) == {name: [{"A": "1"}] * count}
        assert parse(json.dumps({name: records if count > 1 else records[0]}).encode()) == {name: [{"A": "1"}] * count}


@pytest.mark.parametrize("name", sorted(REPEATED_TEXTS))
def test_repeatable_texts_are_lists(name: str) -> None:
    """A single id that may repeat is a list of one in both formats."""
    for ids in (["1"], ["1", "2"]):
        assert parse(f"<xml>{''.join(f'<{name}>{id_}</{name}>' for id_ in ids)}</xml>".encode()) == {name: ids}
        assert parse(json.dumps({name: ids if len(ids) > 1 else ids[0]}).encode()) == {name: ids}


ENTITIES = b'<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><A>&b;</A></xml>'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ENTITIES, id="entities"),
        pytest.param(b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>', id="external"),
        pytest.param(b'<!DOCTYPE xml [<!ENTITY a SYSTEM "http://127.0.0.1/">]><xml>&a;</xml>', id="external entity"),
        pytest.param(b"<!DOCTYPE xml><xml/>", id="empty document type"),
        pytest.param(b"<xml>&a;</xml>", id="undefined entity"),
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"text"', id="scalar"),
        pytest.param(b"ToUserName=1", id="form"),
        pytest.param(b"<html></html>", id="another root"),
        pytest.param(b'<xml a=""><A>1</A></xml>', id="attribute of the root"),
        pytest.param(b'<xml><A a="">1</A></xml>', id="attribute"),
        pytest.param(b"<xml><!-- --><A>1</A></xml>", id="comment"),
        pytest.param(b"<xml><?a?><A>1</A></xml>", id="processing instruction"),
        pytest.param(b"<xml><A>&#0;</A></xml>", id="reference to no character"),
        pytest.param(b"<xml><A>a & b</A></xml>", id="sign alone"),
        pytest.param(b"<xml><A>a]]></A></xml>", id="end of no section"),
        pytest.param(b"<xml><A>a<B>b</B></A></xml>", id="text next to an element"),
        pytest.param(b"<xml><A></A/></xml>", id="closed twice"),
        pytest.param(b"<xml><A></xml>", id="not closed"),
        pytest.param(b"<xml></xml><xml></xml>", id="two roots"),
        pytest.param("<xml><A>1</A></xml>".encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"A":"' + rb"\ud800" * (MAX_ESCAPES + 1) + b'"}', id="many escaped halves"),
        pytest.param(b'{"A":1', id="cut off"),
        pytest.param(b'{"A":1}{', id="more behind"),
        pytest.param(b'{"A":NaN}', id="NaN"),
        pytest.param(b'{"A":-Infinity}', id="Infinity"),
        pytest.param(b'{"FromUserName":"a","FromUserName":"b"}', id="a name twice"),
        pytest.param(b'{"A":"' + b'\\"' * (MIB // 2), id="string without end"),
    ],
)
def test_other_shapes_are_malformed(body: bytes) -> None:
    """Document types, entities, other encodings and other shapes raise MalformedCallback."""
    with pytest.raises(MalformedCallback):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<xml>" + b"<a>" * (MIB // 3), id="deep XML"),
        pytest.param(b"<xml>" + b"<a/>" * MAX_ELEMENTS + b"</xml>", id="many elements"),
        pytest.param(b"<xml><A>" + b"&lt;" * MAX_ELEMENTS + b"</A></xml>", id="many references"),
        pytest.param(b"<xml><A><![CDATA[" + b"]]></B>" * MAX_ELEMENTS + b"]]></A></xml>", id="many ends of others"),
        pytest.param(b'{"a":' * (MIB // 5), id="deep JSON objects"),
        pytest.param(b'{"a":[[[[[[[[[[[[[[[[["",' + b'"",' * MAX_ELEMENTS + b'""]}', id="many texts"),
        pytest.param(b'{"a":"[[[[[[[[[[[[[[[[["' + b'""' * (MIB // 4) + b"}", id="texts without commas"),
        pytest.param(b'{"a":' + b"[" * MIB, id="deep JSON arrays"),
        pytest.param(b'{"a":[' + b"0," * (MIB // 2) + b"0]}", id="many items"),
        pytest.param(b'{"a":[' + b"[]," * MAX_ELEMENTS + b"0]}", id="many arrays"),
    ],
)
def test_limits_of_size(body: bytes) -> None:
    """Too deep or too many elements raise MalformedCallback, never RecursionError."""
    with pytest.raises(MalformedCallback, match=f"{MAX_DEPTH} levels"):
        parse(body)


def test_limits_of_size_are_the_same_for_both_formats() -> None:
    """The depth limit is equal in both formats."""
    inner: Document = {"A": "x"}
    for _ in range(MAX_DEPTH - 1):
        inner = {"A": inner}
    for form in Format:
        assert parse(render(inner, form)) == inner
        with pytest.raises(MalformedCallback):
            parse(render({"A": inner}, form))


def test_punctuation_in_text_does_not_count() -> None:
    """Brackets and commas inside a JSON string do not count as structure."""
    content = '[{,"\\' * MAX_ELEMENTS
    assert parse(json.dumps({"Content": content}).encode()) == {"Content": content}


@given(st.binary(max_size=60) | st.text('{}[]",:\\<>/!&;xmla1 ', max_size=60).map(str.encode))
def test_noise_is_malformed_or_a_document(noise: bytes) -> None:
    """Parsing of any bytes returns a document or raises MalformedCallback."""
    for body in (noise, b"<xml>" + noise, b'{"a":' + noise):
        try:
            document = parse(body)
        except MalformedCallback:
            continue
        assert document_from_json(document_to_json(document)) == document


@given(documents, st.sampled_from(Format), st.floats(0, 1, exclude_max=True))
def test_a_truncated_body_is_malformed(document: Document, form: Format, share: float) -> None:
    """A truncated body is rejected at every position."""
    body = render(document, form)

    with pytest.raises(MalformedCallback):
        parse(body[: int(len(body) * share)])


@given(documents, st.sampled_from(Format), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7))))
def test_flipped_bits_are_malformed_or_a_document(
    document: Document, form: Format, flips: list[tuple[float, int]]
) -> None:
    """A damaged body is rejected, or is another valid document."""
    body = bytearray(render(document, form))
    for share, bit in flips:
        body[int(len(body) * share)] ^= 1 << bit
    try:
        damaged = parse(bytes(body))
    except MalformedCallback:
        return
    assert document_from_json(document_to_json(damaged)) == damaged


def test_error_does_not_repeat_the_body() -> None:
    """Errors do not contain text of the body."""
    for body in (b'{"Content":"my secret" "x"}', b"<xml><Content>my secret</Conten></xml>"):
        with pytest.raises(MalformedCallback) as caught:
            parse(body)
        assert "secret" not in str(caught.value)


def test_integers_are_bare() -> None:
    """Integers are rendered without quotes or CDATA, text with them."""
    document: dict[str, Renderable] = {
        "CreateTime": 1,
        "Content": "a]]>b",
        "Articles": [{"Title": "t"}, {"Title": "u"}],
    }
    assert render(document, Format.XML).decode() == (
        "<xml><CreateTime>1</CreateTime><Content><![CDATA[a]]]]><![CDATA[>b]]></Content>"
        "<Articles><item><Title><![CDATA[t]]></Title></item><item><Title><![CDATA[u]]></Title></item></Articles></xml>"
    )
    assert render(document, Format.JSON).decode() == (
        '{"CreateTime":1,"Content":"a]]>b","Articles":[{"Title":"t"},{"Title":"u"}]}'
    )


def test_subscribe_events_have_a_form_per_format() -> None:
    """In XML the List of a subscribe event has a wrapper element, in JSON it has none."""
    document: Document = {"Event": "subscribe_msg_popup_event", "List": [{"TemplateId": "t"}]}
    assert b"<SubscribeMsgPopupEvent><List><TemplateId>" in render(document, Format.XML)
    assert b'"List":[{' in render(document, Format.JSON)
    assert parse(render(document, Format.XML)) == parse(render(document, Format.JSON)) == document


@pytest.mark.parametrize("name", ["", "a b", "1a", "a><b", "ä"])
def test_invalid_element_names_are_rejected(name: str) -> None:
    """A name cannot inject markup."""
    with pytest.raises(ValueError, match="XML element"):
        render({name: "x"}, Format.XML)


@pytest.mark.parametrize(("body", "form"), [(b"<xml/>", Format.XML), (b" \r\n{}", Format.JSON)])
def test_sniffs_the_format(body: bytes, form: Format) -> None:
    """The first character decides the format, not the content type."""
    assert sniff(body) is form
