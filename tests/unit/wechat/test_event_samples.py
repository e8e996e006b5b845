"""Sample events keep every value that WeChat sends."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.unit.wechat.event_samples import LANES, ORDER_ID, SAMPLES, USERS
from wxbus import wechat
from wxbus.wechat.documents.codec import Format, parse, render
from wxbus.wechat.documents.document import Document
from wxbus.wechat.messages.identity import lane_of, openid_of
from wxbus.wechat.registry import parse_message

HEADER = {"ToUserName": "gh_1", "FromUserName": "oSender", "CreateTime": 1714112445, "MsgType": "event"}


def push(name: str, fields: dict[str, Any], format: Format = Format.JSON) -> bytes:  # noqa: A002 - as in codec
    """Return the body of a push."""
    body = json.dumps(HEADER | {"Event": name} | fields, ensure_ascii=False).encode()
    return body if format is Format.JSON else render(parse(body), Format.XML)


def leaves(value: Any) -> Iterator[str]:
    """Yield every scalar as in WeChat's XML."""
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield json.dumps(value) if isinstance(value, bool) else str(value)


def unknown(model: BaseModel) -> list[str]:
    """Return the members without a declared field, at any depth."""
    names = list(model.model_extra or ())
    for value in dict(model).values():
        for part in value if isinstance(value, tuple) else (value,):
            names += unknown(part) if isinstance(part, BaseModel) else []
    return names


@pytest.mark.parametrize("format", Format)
def test_every_value_is_in_a_declared_field(format: Format) -> None:  # noqa: A002
    """A push has its own type in both formats; a declared field contains each value unchanged."""
    for model, name, fields in SAMPLES:
        document = parse(push(name, fields, format))
        message = parse_message(document)
        assert type(message) is model
        assert unknown(message) == []
        kept = Counter(leaves(message.model_dump(by_alias=True, exclude_unset=True)))
        assert kept == Counter(leaves(document))
        assert message.from_user == "oSender"


def test_a_dumped_event_validates_again() -> None:
    """An event dumped under WeChat's names validates to an equal event."""
    for model, name, fields in SAMPLES:
        message = parse_message(parse(push(name, fields)))
        assert model.model_validate(message.model_dump(by_alias=True, exclude_unset=True)) == message


def test_the_lane_is_that_of_the_user_or_the_business_id() -> None:
    """A user's event has the user's lane; a system event has the lane of its business id."""
    for _, name, fields in SAMPLES:
        document = parse(push(name, fields))
        user = None if name in LANES else USERS.get(name, "oSender")
        assert (name, openid_of(document)) == (name, user)
        assert lane_of("wx1", document) == f"wx1:{user or LANES[name]}"


def test_ids_of_orders_stay_exact() -> None:
    """A numeric id above 2**53 keeps every digit."""
    message = parse_message(parse(push("channels_ec_order_new", {"order_info": {"order_id": ORDER_ID}})))
    assert isinstance(message, wechat.ShopOrderNewEvent)
    assert message.order_info is not None
    assert message.order_info.order_id == str(ORDER_ID)


@pytest.mark.parametrize("name", ["minigame_game_pay_goods_deliver_notify", "minigame_coin_deliver_completed"])
def test_an_order_of_a_mini_game_is_read_from_its_payload(name: str) -> None:
    """The signed payload is unchanged; its order and player are also available as fields."""
    fields = next(fields for _, sample, fields in SAMPLES if sample == name)
    message = parse_message(parse(push(name, fields)))
    assert isinstance(message, wechat.MiniGamePaymentEvent)
    assert message.mini_game is not None
    assert message.mini_game.payload == fields["MiniGame"]["Payload"]
    assert message.mini_game.is_mock
    assert message.open_id == "oPlayer"
    assert message.order is not None
    assert unknown(message.order) == []
    sent = Counter(leaves(json.loads(message.mini_game.payload)))
    assert Counter(leaves(message.order.model_dump(by_alias=True, exclude_unset=True))) == sent


@pytest.mark.parametrize("payload", ["", "x", "[]", "null", "1" * 5000, "[" * 100_000, '{"GoodsInfo": 3}'])
def test_a_payload_that_is_no_order_is_kept(payload: str) -> None:
    """An invalid payload is kept as text, without an order, a player or an error."""
    message = parse_message(parse(push("minigame_coin_deliver_completed", {"MiniGame": {"Payload": payload}})))
    assert isinstance(message, wechat.MiniGameCoinsEvent)
    assert (message.order, message.open_id) == (None, "")
    assert message.mini_game is not None
    assert message.mini_game.payload == payload


def test_the_player_of_a_gift() -> None:
    """The player of a gift event is in the gift, not the sender."""
    fields = next(fields for _, sample, fields in SAMPLES if sample == "minigame_deliver_goods")
    message = parse_message(parse(push("minigame_deliver_goods", fields)))
    assert isinstance(message, wechat.MiniGameGiftEvent)
    assert (message.open_id, message.from_user) == ("oPlayer", "oSender")


@pytest.mark.parametrize(("name", "wrapper"), [("guide_qrcode_scan_event", "GuideScanEvent")])
def test_fields_in_a_wrapper_element(name: str, wrapper: str) -> None:
    """Fields next to the header and in a wrapper element give equal messages; a conflict does not change the header."""
    flat = parse_message(parse(push(name, {"openid": "oUser", "action": 1})))
    wrapped = parse_message(parse(push(name, {wrapper: {"openid": "oUser", "action": 1}})))
    assert flat == wrapped
    forged = parse_message(parse(push(name, {wrapper: {"openid": "oUser", "FromUserName": "oOther"}})))
    assert forged.from_user == "oSender"
    assert forged.model_extra == {wrapper: {"openid": "oUser", "FromUserName": "oOther"}}


def test_a_nickname_audit_on_either_url() -> None:
    """A handler of name reviews gets those of the account and those of the platform."""
    said = {"ret": "3", "nickname": "cup", "reason": "fine"}
    platform: Document = {"AppId": "wxc", "CreateTime": "1", "InfoType": "wxa_nickname_audit", **said}
    message = parse_message(platform)
    assert isinstance(message, wechat.ComponentNicknameAuditEvent)
    assert isinstance(message, wechat.NicknameAuditEvent)
    assert (message.ret, message.nickname, message.reason, message.app_id) == (3, "cup", "fine", "wxc")
    assert Counter(leaves(message.model_dump(by_alias=True, exclude_unset=True))) == Counter(leaves(platform))


@pytest.mark.parametrize("kind", ["device_status", "device_event"])
def test_the_state_of_a_device(kind: str) -> None:
    """Both message types have the fields of a device's state."""
    document: Document = {
        "ToUserName": "gh_1",
        "FromUserName": "oUser",
        "CreateTime": "1714112445",
        "MsgType": kind,
        "MsgId": "9",
        "Event": "subscribe_status",
        "DeviceType": "gh_1",
        "DeviceID": "d",
        "OpType": "0",
        "OpenID": "oUser2",
        "SessionID": "7",
    }
    message = parse_message(document)
    assert isinstance(message, wechat.DeviceStatusMessage | wechat.DeviceEventMessage)
    assert (message.event, message.op_type, message.device_id) == ("subscribe_status", 0, "d")
    assert unknown(message) == []
    assert Counter(leaves(message.model_dump(by_alias=True, exclude_unset=True))) == Counter(leaves(document))


def test_phone_numbers_and_codes_are_not_shown() -> None:
    """The repr of an event contains no phone number and no voucher code."""
    for name, fields, secret in (
        ("channels_ec_vip_join", {"user_info": {"phone_number": "13800000000"}}, "13800000000"),
        ("complaint_callback", {"phone_number": "13800000000"}, "13800000000"),
        ("channels_ec_voucher_send_succ", {"voucher_list": [{"code": "V-SECRET"}]}, "V-SECRET"),
        ("betaapp_verify_event", {"ApplyAuthorizationInfoNoitfy": {"ticket": "T-SECRET"}}, "T-SECRET"),
    ):
        assert secret not in repr(parse_message(parse(push(name, fields))))
