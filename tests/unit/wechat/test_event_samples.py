"""Events of shops, trade components, mini games, platforms and accounts: none loses anything that WeChat wrote."""

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
    """Return the body that WeChat pushes."""
    body = json.dumps(HEADER | {"Event": name} | fields, ensure_ascii=False).encode()
    return body if format is Format.JSON else render(parse(body), Format.XML)


def leaves(value: Any) -> Iterator[str]:
    """Yield every scalar as WeChat's XML has it."""
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield json.dumps(value) if isinstance(value, bool) else str(value)


def unknown(model: BaseModel) -> list[str]:
    """Return the members that no field was declared for, at any depth."""
    names = list(model.model_extra or ())
    for value in dict(model).values():
        for part in value if isinstance(value, tuple) else (value,):
            names += unknown(part) if isinstance(part, BaseModel) else []
    return names


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize(("model", "name", "fields"), SAMPLES, ids=[name for _, name, _ in SAMPLES])
def test_no_leaf_is_lost(model: type[wechat.Message], name: str, fields: dict[str, Any], format: Format) -> None:  # noqa: A002
    """A push has its own type in either format; each value stands in a declared field, and none changes."""
    document = parse(push(name, fields, format))
    message = parse_message(document)
    assert type(message) is model
    assert unknown(message) == []
    kept = Counter(leaves(message.model_dump(by_alias=True, exclude_unset=True)))
    assert kept == Counter(leaves(document))
    assert parse_message(document) == message
    assert message.from_user == "oSender"


@pytest.mark.parametrize(("model", "name", "fields"), SAMPLES, ids=[name for _, name, _ in SAMPLES])
def test_names_of_fields_survive(model: type[wechat.Message], name: str, fields: dict[str, Any]) -> None:
    """Dumped under WeChat's names, a message is the same message when it is read again."""
    message = parse_message(parse(push(name, fields)))
    dumped = message.model_dump(by_alias=True, exclude_unset=True)
    assert model.model_validate(dumped) == message


@pytest.mark.parametrize(("name", "fields"), [sample[1:] for sample in SAMPLES], ids=[name for _, name, _ in SAMPLES])
def test_an_event_belongs_to_its_user_or_to_its_thing(name: str, fields: dict[str, Any]) -> None:
    """A user's event is in the user's lane; one that WeChat sends itself is in the lane of what it is about."""
    document = parse(push(name, fields))
    user = None if name in LANES else USERS.get(name, "oSender")
    assert openid_of(document) == user
    assert lane_of("wx1", document) == f"wx1:{user or LANES[name]}"


def test_ids_of_orders_stay_exact() -> None:
    """An id that WeChat writes as a number above 2**53 keeps every digit."""
    message = parse_message(parse(push("channels_ec_order_new", {"order_info": {"order_id": ORDER_ID}})))
    assert isinstance(message, wechat.ShopOrderNewEvent)
    assert message.order_info is not None
    assert message.order_info.order_id == str(ORDER_ID)


@pytest.mark.parametrize("name", ["minigame_game_pay_goods_deliver_notify", "minigame_coin_deliver_completed"])
def test_an_order_of_a_mini_game_is_read_from_its_payload(name: str) -> None:
    """The payload stays as WeChat signed it, to the byte; its order and player are typed beside it."""
    fields = next(fields for _, sample, fields in SAMPLES if sample == name)
    message = parse_message(parse(push(name, fields)))
    assert isinstance(message, wechat.MiniGamePaymentEvent)
    assert message.mini_game is not None
    assert message.mini_game.payload == fields["MiniGame"]["Payload"]
    assert message.mini_game.is_mock
    assert message.open_id == "oPlayer"
    assert message.order is not None
    assert unknown(message.order) == []
    told = Counter(leaves(json.loads(message.mini_game.payload)))
    assert Counter(leaves(message.order.model_dump(by_alias=True, exclude_unset=True))) == told


@pytest.mark.parametrize("payload", ["", "x", "[]", "null", "1" * 5000, "[" * 100_000, '{"GoodsInfo": 3}'])
def test_a_payload_that_is_no_order_is_kept(payload: str) -> None:
    """A payload that cannot be read is there as text; there is no order and no player, and no error."""
    message = parse_message(parse(push("minigame_coin_deliver_completed", {"MiniGame": {"Payload": payload}})))
    assert isinstance(message, wechat.MiniGameCoinsEvent)
    assert (message.order, message.open_id) == (None, "")
    assert message.mini_game is not None
    assert message.mini_game.payload == payload


def test_the_player_of_a_gift() -> None:
    """The player of a gift stands in the gift, not in the sender."""
    fields = next(fields for _, sample, fields in SAMPLES if sample == "minigame_deliver_goods")
    message = parse_message(parse(push("minigame_deliver_goods", fields)))
    assert isinstance(message, wechat.MiniGameGiftEvent)
    assert (message.open_id, message.from_user) == ("oPlayer", "oSender")


@pytest.mark.parametrize(("name", "wrapper"), [("guide_qrcode_scan_event", "GuideScanEvent")])
def test_fields_in_an_element_of_their_own(name: str, wrapper: str) -> None:
    """Fields beside the header and in an element of their own give the same message; a conflict changes no header."""
    flat = parse_message(parse(push(name, {"openid": "oUser", "action": 1})))
    wrapped = parse_message(parse(push(name, {wrapper: {"openid": "oUser", "action": 1}})))
    assert flat == wrapped
    forged = parse_message(parse(push(name, {wrapper: {"openid": "oUser", "FromUserName": "oOther"}})))
    assert forged.from_user == "oSender"
    assert forged.model_extra == {wrapper: {"openid": "oUser", "FromUserName": "oOther"}}


def test_a_nickname_audit_on_either_url() -> None:
    """A Mini Program's name is reviewed in an event of the account or of the platform: one handler gets both."""
    said = {"ret": "3", "nickname": "cup", "reason": "fine"}
    platform: Document = {"AppId": "wxc", "CreateTime": "1", "InfoType": "wxa_nickname_audit", **said}
    message = parse_message(platform)
    assert isinstance(message, wechat.ComponentNicknameAuditEvent)
    assert isinstance(message, wechat.NicknameAuditEvent)
    assert (message.ret, message.nickname, message.reason, message.app_id) == (3, "cup", "fine", "wxc")
    assert Counter(leaves(message.model_dump(by_alias=True, exclude_unset=True))) == Counter(leaves(platform))


@pytest.mark.parametrize("kind", ["device_status", "device_event"])
def test_the_state_of_a_device(kind: str) -> None:
    """Who looks at a device's state is typed under either name of the message."""
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
    """What identifies a person, and codes that are worth money, do not appear when an event is printed."""
    for name, fields, secret in (
        ("channels_ec_vip_join", {"user_info": {"phone_number": "13800000000"}}, "13800000000"),
        ("complaint_callback", {"phone_number": "13800000000"}, "13800000000"),
        ("channels_ec_voucher_send_succ", {"voucher_list": [{"code": "V-SECRET"}]}, "V-SECRET"),
        ("betaapp_verify_event", {"ApplyAuthorizationInfoNoitfy": {"ticket": "T-SECRET"}}, "T-SECRET"),
    ):
        assert secret not in repr(parse_message(parse(push(name, fields))))
