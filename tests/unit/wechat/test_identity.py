"""User, lane and dedup id of a push."""

from typing import Any

import pytest
from hypothesis import given

from tests.unit.wechat.strategies import documents
from wxbus.wechat.documents.codec import document_from_json, document_to_json
from wxbus.wechat.documents.document import Document
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of

APPID = "wx1"
SYSTEM = "o9AgO5SystemSystemSystem"


def event(name: str, sender: str = "o1", created: int = 1, **members: Any) -> Document:
    """Return the document of an event."""
    return {
        "ToUserName": "gh_1",
        "FromUserName": sender,
        "CreateTime": str(created),
        "MsgType": "event",
        "Event": name,
        **members,
    }


def message(sender: str = "o1", **members: Any) -> Document:
    """Return the document of a text message."""
    header = {"ToUserName": "gh_1", "FromUserName": sender, "CreateTime": "1", "MsgType": "text", "Content": "hi"}
    return header | members


def game(name: str = "minigame_deliver_goods", created: int = 1, **members: Any) -> Document:
    """Return the document of a mini game's event, whose sender is WeChat."""
    return event(name, SYSTEM, created, MiniGame=members)


CARD: dict[str, Any] = {"CardId": "p1", "UserCardCode": "12"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(message(MsgId="9"), "wx1:m:o1:9", id="message"),
        pytest.param(
            event("xpay_goods_deliver_notify", SYSTEM, OutTradeNo="t1"), "wx1:e:xpay_goods_deliver_notify:t1", id="xpay"
        ),
        pytest.param(
            event("XPAY_refund_notify", SYSTEM, WxRefundId="r1"), "wx1:e:xpay_refund_notify:r1", id="xpay refund"
        ),
        pytest.param(
            event("xpay_complaint_notify", SYSTEM, ComplaintId="c1"),
            "wx1:e:xpay_complaint_notify:c1",
            id="xpay complaint",
        ),
        pytest.param(
            event("xpay_wxpay_callback_notify", SYSTEM, BusinessCode="b", BusinessState="2"),
            "wx1:e:xpay_wxpay_callback_notify:b:2",
            id="xpay callback",
        ),
        pytest.param(event("wxa_media_check", SYSTEM, trace_id="t"), "wx1:e:wxa_media_check:t:1", id="media check"),
        pytest.param(
            event("trade_manage_order_settlement", SYSTEM, transaction_id="4", shipped_time="7"),
            "wx1:e:trade_manage_order_settlement:4:7:1",
            id="shipped",
        ),
        pytest.param(
            event("trade_manage_order_settlement", SYSTEM, transaction_id="4", shipped_time="7", settlement_time="9"),
            "wx1:e:trade_manage_order_settlement:4:9:7:1",
            id="settled",
        ),
        pytest.param(event("TEMPLATESENDJOBFINISH", MsgID="5"), "wx1:e:templatesendjobfinish:5:1", id="template"),
        pytest.param(event("MASSSENDJOBFINISH", SYSTEM, MsgID="5"), "wx1:e:masssendjobfinish:5:1", id="mass"),
        pytest.param(
            event("subscribe_msg_sent_event", List=[{"MsgID": "5"}, {"MsgID": "6"}]),
            "wx1:e:subscribe_msg_sent_event:5,6:1",
            id="subscription",
        ),
        pytest.param(
            event("PUBLISHJOBFINISH", SYSTEM, PublishEventInfo={"publish_id": "3"}),
            "wx1:e:publishjobfinish:3:1",
            id="publication",
        ),
        pytest.param(event("wxa_punish_event", SYSTEM, punish_id="3"), "wx1:e:wxa_punish_event:3:1", id="penalty"),
        pytest.param(
            event("wxa_privacy_apply", SYSTEM, result_info={"audit_id": "3"}), "wx1:e:wxa_privacy_apply:3:1", id="audit"
        ),
        pytest.param(event("user_get_card", **CARD), "wx1:e:user_get_card:p1:12:1", id="card"),
        pytest.param(
            event("add_express_path", SYSTEM, WayBillId="w", OrderId="o", DeliveryID="D", Version="3", Count="1"),
            "wx1:e:add_express_path:w:o:D:3:1:1",
            id="parcel",
        ),
        pytest.param(
            event("add_waybill", SYSTEM, Token="t", OrderID="o", WayBillID="w"),
            "wx1:e:add_waybill:w:o:t:1",
            id="carrier",
        ),
        pytest.param(
            {"AppId": "wxc", "CreateTime": "1", "InfoType": "unauthorized", "AuthorizerAppid": "wxa"},
            "wx1:i:unauthorized:1:wxa",
            id="component",
        ),
    ],
)
def test_dedup_ids(document: Document, expected: str) -> None:
    """The dedup id of each kind of push contains the ids of the table (protocol reference 4.2)."""
    assert dedup_id(APPID, document) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(message("o1", MsgId="9"), message("o2", MsgId="9"), id="MsgId is not unique across users"),
        pytest.param(message(), message(Content="ho"), id="messages without MsgId"),
        pytest.param(event("CLICK", EventKey="a"), event("CLICK", EventKey="b"), id="two taps in one second"),
        pytest.param(event("LOCATION", Latitude="1"), event("CLICK", EventKey="a"), id="two events in one second"),
        pytest.param(event("LOCATION", Latitude="1"), event("LOCATION", Latitude="2"), id="two places in one second"),
        pytest.param(
            event("xpay_goods_deliver_notify", SYSTEM, OutTradeNo="1"),
            event("xpay_goods_deliver_notify", SYSTEM, OutTradeNo="2"),
            id="two orders in one second, one sender",
        ),
        pytest.param(
            event("xpay_goods_deliver_notify", SYSTEM, OutTradeNo="1"),
            event("xpay_coin_pay_notify", SYSTEM, OutTradeNo="1"),
            id="two events of one order",
        ),
        pytest.param(game(OrderId="1"), game(OrderId="2"), id="two gifts"),
        pytest.param(game(OrderId="1", IsPreview="1"), game(OrderId="1"), id="a test of the console and the order"),
        pytest.param(
            event("change_contact", "sys", ChangeType="update_user", UserID="u1", Name="a"),
            event("change_contact", "sys", ChangeType="update_user", UserID="u1", Name="b"),
            id="two changes of one member in one second",
        ),
        pytest.param(event("user_get_card", **CARD), event("user_get_card", created=2, **CARD), id="same card again"),
        pytest.param(
            event("wxa_media_check", SYSTEM, trace_id="1"), event("wxa_media_check", SYSTEM, trace_id="2"), id="burst"
        ),
        pytest.param(
            {"InfoType": "notify_third_fasteregister", "CreateTime": "1", "appid": "a"},
            {"InfoType": "notify_third_fasteregister", "CreateTime": "1", "appid": "b"},
            id="two registrations",
        ),
    ],
)
def test_different_pushes_differ(one: Document, other: Document) -> None:
    """Pushes that WeChat's own dedup rule confuses have different dedup ids (protocol reference 4.2)."""
    assert dedup_id(APPID, one) != dedup_id(APPID, other)


@pytest.mark.parametrize(
    "document",
    [
        event("xpay_goods_deliver_notify", SYSTEM, OutTradeNo="1"),
        event("xpay_subscribe_pay_fail_notify", SYSTEM, ContractId="1"),
        game(OrderId="1", SendTime="1"),
        game(Payload='{"OpenId":"o2","OutTradeNo":"1"}'),
        game(Payload="?"),
    ],
    ids=["with id", "without", "gift", "purchase", "game without"],
)
def test_retries_for_hours_have_the_same_dedup_id(document: Document) -> None:
    """Retries of virtual payment and mini games have another count and time, but the same dedup id."""
    again = document | {"RetryTimes": "3", "CreateTime": "99"}
    assert dedup_id(APPID, document | {"RetryTimes": "0"}) == dedup_id(APPID, again)


def test_same_push_to_two_accounts_differs() -> None:
    """Dedup ids of two accounts differ."""
    assert dedup_id("wx1", message(MsgId="9")) != dedup_id("wx2", message(MsgId="9"))


@given(documents)
def test_ids_are_bounded_and_survive_the_envelope(document: Document) -> None:
    """Every document has a short dedup id and lane, equal in ingress and worker."""
    travelled = document_from_json(document_to_json(document))
    for function in (dedup_id, lane_of):
        assert len(function(APPID, document)) <= 200
        assert function(APPID, document) == function(APPID, travelled)
    assert openid_of(document) == openid_of(travelled)


def test_member_order_does_not_matter() -> None:
    """The digest does not depend on the order of members."""
    document = event("CLICK", EventKey="a", Extra="b")
    assert dedup_id(APPID, document) == dedup_id(APPID, dict(reversed(document.items())))


def test_a_dedup_id_contains_no_user_text() -> None:
    """Dedup ids appear in headers and logs, so user text is only in the digest."""
    assert "table 7" not in dedup_id(APPID, event("SCAN", EventKey="table 7", Ticket="t"))
    assert "hello" not in dedup_id(APPID, message(Content="hello"))


def test_long_ids_are_digested() -> None:
    """Long ids are replaced by digests, so their length is limited and they stay distinct."""
    one, other = ("x" * 100_000 + end for end in "ab")
    assert len(dedup_id(APPID, message(MsgId=one))) <= 200
    assert dedup_id(APPID, message(MsgId=one)) != dedup_id(APPID, message(MsgId=other))
    assert openid_of(message(one)) is None
    assert len(lane_of(APPID, event("add_waybill", WayBillID=one))) <= 200


@pytest.mark.parametrize(
    ("document", "openid", "lane"),
    [
        pytest.param(message(), "o1", "wx1:o1", id="message"),
        pytest.param(event("subscribe"), "o1", "wx1:o1", id="user event"),
        pytest.param(event("user_get_card", **CARD), "o1", "wx1:o1", id="user event with a business id"),
        pytest.param(event("brand_new_event"), "o1", "wx1:o1", id="unknown event"),
        pytest.param(
            event("user_authorization_revoke", SYSTEM, OpenID="o2"), "o2", "wx1:o2", id="platform about a user"
        ),
        pytest.param(event("user_info_modified", SYSTEM), None, "wx1:user_info_modified", id="platform without a user"),
        pytest.param(
            event("xpay_goods_deliver_notify", SYSTEM, OpenId="o2", OutTradeNo="t1"), None, "wx1:t1", id="xpay"
        ),
        pytest.param(event("Trade_Manage_Remind_Shipping", SYSTEM, transaction_id="4"), None, "wx1:4", id="trade"),
        pytest.param(event("weapp_audit_success", SYSTEM), None, "wx1:weapp_audit_success", id="no business id"),
        pytest.param(event("card_pass_check", SYSTEM, CardId="p1"), None, "wx1:p1", id="review of a card"),
        pytest.param(game(ToUserOpenid="o2", OrderId="1"), "o2", "wx1:o2", id="player of a mini game"),
        pytest.param(game(Payload='{"OpenId":"o2","OutTradeNo":"1"}'), "o2", "wx1:o2", id="player in the payload"),
        pytest.param(game(Payload='{"OpenId":'), None, "wx1:minigame_deliver_goods", id="invalid payload"),
        pytest.param(event("minigame_deliver_goods", SYSTEM), None, "wx1:minigame_deliver_goods", id="no player"),
        pytest.param(
            event("channels_ec_order_pay", order_info={"order_id": "7"}), "o1", "wx1:o1", id="buyer in a shop"
        ),
        pytest.param(
            event("product_spu_audit", SYSTEM, ProductSpuAudit={"product_id": "7"}), None, "wx1:7", id="product"
        ),
        pytest.param(event("channels_ec_acct_notify", ""), None, "wx1:channels_ec_acct_notify", id="funds of a shop"),
        pytest.param(
            event("change_contact", "sys", ChangeType="update_user", UserID="u1"), None, "wx1:u1", id="contact"
        ),
        pytest.param(event("change_contact", "sys", ChangeType="delete_party", Id="2"), None, "wx1:2", id="party"),
        pytest.param(
            event("sys_approval_change", "sys", ApprovalInfo={"SpNo": "2", "SpName": "x"}), None, "wx1:2", id="approval"
        ),
        pytest.param(event("msgaudit_notify", "sys"), None, "wx1:msgaudit_notify", id="system of WeCom"),
        pytest.param(event("change_contact", "u1", UserID="u2"), "u1", "wx1:u1", id="member of WeCom"),
        pytest.param({"InfoType": "cancel_auth", "AuthCorpId": "ww2"}, None, "wx1:ww2", id="customer of a suite"),
        pytest.param({"InfoType": "authorized", "AuthorizerAppid": "wxa"}, None, "wx1:wxa", id="authorizer"),
        pytest.param({"InfoType": "component_verify_ticket"}, None, "wx1:component_verify_ticket", id="ticket"),
        pytest.param({}, None, "wx1:", id="nothing"),
    ],
)
def test_user_and_lane(document: Document, openid: str | None, lane: str) -> None:
    """A user's pushes share a lane; the sender of a system event is not a user (protocol reference 13, trap 6)."""
    assert (openid_of(document), lane_of(APPID, document)) == (openid, lane)


def test_events_of_one_order_share_a_lane() -> None:
    """Pushes about one order or parcel stay in order: time and version are not part of the lane."""
    shipped = event("trade_manage_order_settlement", SYSTEM, transaction_id="4", shipped_time="7")
    settled = event("trade_manage_order_settlement", SYSTEM, 9, transaction_id="4", settlement_time="9")
    assert lane_of(APPID, shipped) == lane_of(APPID, settled)
    assert dedup_id(APPID, shipped) != dedup_id(APPID, settled)
