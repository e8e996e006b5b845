"""Replies, both ways they can go."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from wxbus.wechat import ClickEvent, TextMessage, reply
from wxbus.wechat.documents.codec import Format, parse, render
from wxbus.wechat.replies.api_message import api_message
from wxbus.wechat.replies.customer_service import customer_service_message
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.passive import passive_reply

MESSAGE = TextMessage(to_user="gh_1", from_user="o1", created_at=1, msg_id="9", content="hi")
EVENT = ClickEvent(to_user="gh_1", from_user="o1", created_at=1)
ARTICLE = reply.Article("t", "d", "u", "p")

REPLIES: list[reply.AnyReply] = [
    reply.Text("你好"),
    reply.Image("m"),
    reply.Voice("m"),
    reply.Video("m", title="t", description="d", thumb_media_id="th"),
    reply.Music("th", title="t", description="d", url="u", hq_url="h"),
    reply.News((ARTICLE,)),
    reply.TransferToCustomerService("kf1"),
    reply.Success(),
    reply.Menu((reply.MenuItem("1", "yes"), reply.MenuItem("2", "no")), head="?", tail="!"),
    reply.MiniProgramPage("t", "pages/a", "th", appid="wx2"),
    reply.Link("t", "d", "u", "th"),
    reply.Card("c"),
    reply.MpNews("m"),
    reply.MpNewsArticle("a"),
]


def test_a_misspelt_field_is_an_error() -> None:
    """An unknown field raises ValidationError."""
    with pytest.raises(ValidationError, match="pic_url"):
        reply.Article(title="t", pic_url="p")  # type: ignore[call-arg] # what is tested


def test_a_stored_reply_may_have_fields_of_a_later_release() -> None:
    """Stored replies of a later release are readable."""
    stored = b'{"kind":"news","articles":[{"title":"t","colour":"red"}],"mood":"good"}'

    assert reply.reply_from_json(stored) == reply.News((reply.Article("t"),))


@pytest.mark.parametrize("sent", REPLIES, ids=lambda sent: sent.kind)
def test_json_round_trip(sent: reply.AnyReply) -> None:
    """Reading a stored reply restores it."""
    assert reply.reply_from_json(reply.reply_to_json(sent)) == sent


@pytest.mark.parametrize("stored", [b"", b"{}", b'{"kind":"hologram"}', b'{"kind":"text"}'])
def test_an_invalid_stored_reply_is_rejected(stored: bytes) -> None:
    """An invalid stored reply is an error."""
    with pytest.raises(ValueError, match="validation error"):
        reply.reply_from_json(stored)


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        (reply.Text("hi"), {"Content": "hi"}),
        (reply.Image("m"), {"Image": {"MediaId": "m"}}),
        (reply.Voice("m"), {"Voice": {"MediaId": "m"}}),
        (reply.Video("m"), {"Video": {"MediaId": "m"}}),
        (reply.Video("m", "t", "d"), {"Video": {"MediaId": "m", "Title": "t", "Description": "d"}}),
        (
            reply.Music("th", "t", "d", "u", "h"),
            {"Music": {"Title": "t", "Description": "d", "MusicUrl": "u", "HQMusicUrl": "h", "ThumbMediaId": "th"}},
        ),
        (
            reply.News((ARTICLE,)),
            {"ArticleCount": "1", "Articles": [{"Title": "t", "Description": "d", "PicUrl": "p", "Url": "u"}]},
        ),
        (reply.TransferToCustomerService(), {}),
        (reply.TransferToCustomerService("kf1"), {"TransInfo": {"KfAccount": "kf1"}}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
@pytest.mark.parametrize("form", Format)
def test_passive_reply(sent: reply.PassiveReply, members: dict[str, Any], form: Format) -> None:
    """A passive reply swaps sender and receiver, and has the members of its type (protocol reference 7)."""
    document = parse(render(passive_reply(sent, MESSAGE, created_at=7), form))
    header = {"ToUserName": "o1", "FromUserName": "gh_1", "CreateTime": "7", "MsgType": sent.kind}
    assert document == header | members


def test_a_passive_reply_has_the_current_time() -> None:
    """The default time is now, as a bare number."""
    assert isinstance(passive_reply(reply.Text("hi"), MESSAGE)["CreateTime"], int)


@pytest.mark.parametrize(
    "sent", [sent for sent in REPLIES if not isinstance(sent, reply.PassiveReply)], ids=lambda sent: sent.kind
)
def test_replies_that_cannot_be_passive(sent: reply.AnyReply) -> None:
    """A customer-service reply cannot be passive; the error names it."""
    with pytest.raises(ValueError, match=sent.kind):
        passive_reply(sent, MESSAGE)


def test_passive_limits() -> None:
    """A reply above WeChat's limits is rejected."""
    two = reply.News((ARTICLE, ARTICLE))
    long = reply.Text("你" * 683)
    with pytest.raises(ValueError, match="2 articles; the limit of this passive reply is 1"):
        passive_reply(two, MESSAGE)
    passive_reply(two, EVENT)
    with pytest.raises(ValueError, match=r"2049 bytes.*2048"):
        passive_reply(long, MESSAGE)
    with pytest.raises(ValueError, match="not to events"):
        passive_reply(reply.TransferToCustomerService(), EVENT)


@pytest.mark.parametrize(
    ("sent", "members"),
    [
        (reply.Text("hi"), {"content": "hi"}),
        (reply.Image("m"), {"media_id": "m"}),
        (reply.Voice("m"), {"media_id": "m"}),
        (
            reply.Video("m", "t", "d", "th"),
            {"media_id": "m", "thumb_media_id": "th", "title": "t", "description": "d"},
        ),
        (
            reply.Music("th", "t", "d", "u", "h"),
            {"title": "t", "description": "d", "musicurl": "u", "hqmusicurl": "h", "thumb_media_id": "th"},
        ),
        (reply.News((ARTICLE,)), {"articles": [{"title": "t", "description": "d", "url": "u", "picurl": "p"}]}),
        (reply.MpNews("m"), {"media_id": "m"}),
        (reply.MpNewsArticle("a"), {"article_id": "a"}),
        (
            reply.Menu((reply.MenuItem("1", "yes"),), head="?", tail="!"),
            {"head_content": "?", "list": [{"id": "1", "content": "yes"}], "tail_content": "!"},
        ),
        (reply.Menu((reply.MenuItem("1", "yes"),)), {"list": [{"id": "1", "content": "yes"}]}),
        (reply.Card("c"), {"card_id": "c"}),
        (
            reply.MiniProgramPage("t", "pages/a", "th", appid="wx2"),
            {"title": "t", "appid": "wx2", "pagepath": "pages/a", "thumb_media_id": "th"},
        ),
        (reply.Link("t", "d", "u", "th"), {"title": "t", "description": "d", "url": "u", "thumb_url": "th"}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_customer_service_message(sent: reply.CustomerServiceReply, members: dict[str, Any]) -> None:
    """A customer-service message has its members under the name of its type (protocol reference 9.1)."""
    assert customer_service_message(sent, "o1") == {"touser": "o1", "msgtype": sent.kind, sent.kind: members}


def test_each_template_reply_has_its_own_call() -> None:
    """A template reply goes to its endpoint, with each text as the value of its field (protocol reference 9.3)."""
    data, rendered = {"thing1": "Coffee"}, {"thing1": {"value": "Coffee"}}
    page = {"url": "u", "miniprogram": {"appid": "wx2", "pagepath": "pages/a"}}
    for sent, path, members in (
        (reply.TemplateMessage("t", data), "template/send", {}),
        (reply.TemplateMessage("t", data, url="u", mini_program="wx2", page_path="pages/a"), "template/send", page),
        (reply.SubscribeMessage("t", data), "subscribe/send", {"miniprogram_state": "formal", "lang": "zh_CN"}),
        (reply.SubscribeNotice("t", data, page="p"), "subscribe/bizsend", {"page": "p"}),
    ):
        payload = {"touser": "o1", "template_id": "t", "data": rendered, **members}
        assert api_message(sent, "o1") == (f"/cgi-bin/message/{path}", payload)
        assert reply.reply_from_json(reply.reply_to_json(sent)) == sent


def test_the_customer_service_account_is_a_member() -> None:
    """The payload contains the customer-service account that sends the message."""
    payload = customer_service_message(reply.Text("hi"), "o1", kf_account="kf1@shop")
    assert payload["customservice"] == {"kf_account": "kf1@shop"}


@pytest.mark.parametrize("sent", [reply.Success(), reply.TransferToCustomerService()], ids=lambda sent: sent.kind)
def test_replies_that_cannot_be_customer_service_messages(sent: reply.AnyReply) -> None:
    """A reply that can only be passive is rejected; the error names it."""
    with pytest.raises(ValueError, match=sent.kind):
        customer_service_message(sent, "o1")


@pytest.mark.parametrize(
    "make",
    [
        lambda: reply.Text(""),
        lambda: reply.Image(""),
        lambda: reply.News(()),
        lambda: reply.Menu(()),
        lambda: reply.Text(1),  # type: ignore[arg-type]
    ],
)
def test_empty_replies_are_rejected(make: Any) -> None:
    """An empty reply raises ValidationError, because WeChat reports it as a failure of the account."""
    with pytest.raises(ValidationError):
        make()


@given(st.text(max_size=200), st.integers(4, 50))
def test_split_text(text: str, limit: int) -> None:
    """The parts join to the text; each part is not empty, within the limit, and as long as possible."""
    parts = split_text(text, limit)
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= limit for part in parts)
    for part, following in itertools.pairwise(parts):
        assert len((part + following[0]).encode()) > limit


def test_split_text_needs_room_for_a_character() -> None:
    """A limit below the largest character is an error."""
    with pytest.raises(ValueError, match="at least 4"):
        split_text("😀", 3)
