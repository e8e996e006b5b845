"""Messages of WeChat Customer Service and of smart robots have types, a lane and a dedup id (WeCom reference 7, 8)."""

import json
from typing import Any

import pytest

from tests.unit.wechat.test_event_samples import unknown
from wxbus import wechat as w
from wxbus.wechat import reply
from wxbus.wechat.documents.codec import document_from_json
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of
from wxbus.wechat.replies.kf import kf_message

HEADER = {
    "msgid": "4uGK",
    "open_kfid": "wk1",
    "external_userid": "wm1",
    "send_time": 1700000000,
    "origin": 3,
    "servicer_userid": "zs",
}
MESSAGES: list[tuple[type[w.Message], str, dict[str, Any]]] = [
    (w.KfTextMessage, "text", {"content": "hi", "menu_id": "101"}),
    (w.KfImageMessage, "image", {"media_id": "m1"}),
    (w.KfVoiceMessage, "voice", {"media_id": "m1"}),
    (w.KfVideoMessage, "video", {"media_id": "m1"}),
    (w.KfFileMessage, "file", {"media_id": "m1"}),
    (w.KfLocationMessage, "location", {"latitude": 23.1, "longitude": 113.3, "name": "a", "address": "b"}),
    (w.KfLinkMessage, "link", {"title": "t", "desc": "d", "url": "u", "pic_url": "p"}),
    (w.KfBusinessCardMessage, "business_card", {"userid": "u"}),
    (w.KfMiniProgramMessage, "miniprogram", {"title": "t", "appid": "a", "pagepath": "p", "thumb_media_id": "m"}),
    (
        w.KfMenuMessage,
        "msgmenu",
        {"head_content": "h", "list": [{"type": "click", "click": {"id": "1", "content": "yes"}}], "tail_content": "t"},
    ),
    (w.KfShopProductMessage, "channels_shop_product", {"product_id": "1", "title": "cup"}),
    (w.KfShopOrderMessage, "channels_shop_order", {"order_id": "1", "state": "paid"}),
]
EVENTS: list[tuple[type[w.Message], dict[str, Any]]] = [
    (
        w.KfEnterSessionEvent,
        {"event_type": "enter_session", "scene": "s", "scene_param": "p", "welcome_code": "c"}
        | {"wechat_channels": {"nickname": "n", "scene": 1}},
    ),
    (w.KfSendFailedEvent, {"event_type": "msg_send_fail", "fail_msgid": "f", "fail_type": 4}),
    (w.KfServicerStatusEvent, {"event_type": "servicer_status_change", "servicer_userid": "u", "status": 1}),
    (
        w.KfSessionStatusEvent,
        {"event_type": "session_status_change", "change_type": 2, "old_servicer_userid": "a", "msg_code": "c"},
    ),
    (w.KfMessageRecalledEvent, {"event_type": "user_recall_msg", "recall_msgid": "r"}),
]


def parsed(body: dict[str, Any]) -> tuple[w.Message, dict[str, Any]]:
    """Return the message and the document of a body."""
    document = document_from_json(json.dumps(body).encode())
    return w.parse_message(document), document


def test_messages_of_customers_have_types() -> None:
    """The content is next to the header; the lane is that of account and customer, whatever the type."""
    for model, name, content in MESSAGES:
        message, document = parsed({**HEADER, "msgtype": name, name: content})
        assert type(message) is model
        assert [one for one in unknown(message) if one not in {"thumb_media_id", "click"}] == []
        assert (message.from_user, message.to_user, message.created_at) == ("wm1", "wk1", 1700000000)
        assert (openid_of(document), lane_of("ww1", document)) == ("wk1:wm1", "ww1:wk1:wm1")
        assert dedup_id("ww1", document) == "ww1:wk1:4uGK"
        assert w.parse_message(json.loads(message.model_dump_json(by_alias=True))) == message
    text, _ = parsed({**HEADER, "msgtype": "text", "text": {"content": "hi"}})
    assert isinstance(text, w.TextMessage), "a route for texts gets those of customers"
    human, document = parsed({**HEADER, "origin": 5, "msgtype": "text", "text": {"content": "I am Li."}})
    assert not isinstance(human, w.TextMessage), "a route for texts does not answer a servicer"
    assert isinstance(human, w.KfServicerMessage)
    assert (human.content, human.msg_type, lane_of("ww1", document)) == ("I am Li.", "text", "ww1:wk1:wm1")
    future, _ = parsed({**HEADER, "msgtype": "hologram", "hologram": {"a": 1}})
    assert isinstance(future, w.UnknownMessage)
    assert (future.from_user, future.msg_id) == ("wm1", "4uGK")


def test_events_of_customer_service_have_types() -> None:
    """The ids are inside of `event`; an event without a customer belongs to the account's lane."""
    header = {name: HEADER[name] for name in ("msgid", "open_kfid", "send_time")} | {"msgtype": "event", "origin": 4}
    for model, fields in EVENTS:
        ids = (
            {"open_kfid": "wk1"} if model is w.KfServicerStatusEvent else {"open_kfid": "wk1", "external_userid": "wm1"}
        )
        event, document = parsed({**header, "event": {**ids, **fields}})
        assert type(event) is model
        assert unknown(event) == []
        customer = ids.get("external_userid")
        assert openid_of(document) == (customer and "wk1:wm1")
        assert lane_of("ww1", document) == ("ww1:wk1:wm1" if customer else "ww1:wk1")
    future, _ = parsed({**header, "event": {"event_type": "new_in_2030"}})
    assert isinstance(future, w.UnknownEvent)
    assert future.event == "new_in_2030"


@pytest.mark.parametrize(
    ("one", "sent"),
    [
        (reply.Text("hi"), {"msgtype": "text", "text": {"content": "hi"}}),
        (reply.File("m"), {"msgtype": "file", "file": {"media_id": "m"}}),
        (
            reply.Menu((reply.MenuItem("1", "yes"),), head="ok?"),
            {
                "msgtype": "msgmenu",
                "msgmenu": {
                    "head_content": "ok?",
                    "list": [{"type": "click", "click": {"id": "1", "content": "yes"}}],
                },
            },
        ),
        (
            reply.MiniProgramPage("t", "p", "m", appid="a"),
            {
                "msgtype": "miniprogram",
                "miniprogram": {"appid": "a", "title": "t", "thumb_media_id": "m", "pagepath": "p"},
            },
        ),
        (reply.Markdown("x"), "markdown cannot be a message of WeChat Customer Service"),
        (reply.Text("企" * 683), "text of 2049 bytes; the limit of WeCom is 2048"),
        (reply.Link("t", "d", "u"), "a link needs thumb_media_id"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_replies_to_customers(one: reply.AnyReply, sent: dict[str, Any] | str) -> None:
    """A reply has WeCom's fields; what customer service cannot send is refused with the limit."""
    if isinstance(sent, dict):
        assert kf_message(one) == sent
    else:
        with pytest.raises(ValueError, match=sent):
            kf_message(one)
