"""Synchronous responses to events."""

import pytest

from wxbus.wechat.documents.codec import Format, parse, render
from wxbus.wechat.documents.document import Document
from wxbus.wechat.replies.event_response import fallback_response, response_document

HEADER: Document = {
    "ToUserName": "gh_carrier",
    "FromUserName": "o_wechat",
    "CreateTime": "1",
    "MsgType": "event",
}
SWAPPED = {"ToUserName": "o_wechat", "FromUserName": "gh_carrier", "CreateTime": 7, "MsgType": "event"}


def test_a_carrier_response_has_header_and_result() -> None:
    """A response swaps sender and receiver, keeps the event name, and is a success by default."""
    push: Document = {**HEADER, "Event": "Add_WayBill"}
    made = response_document({"WayBillID": "88", "Fee": 3.5}, push, created_at=7)
    success = {"Event": "Add_WayBill", "ResultCode": 0, "ResultMsg": "success"}
    assert made == {**SWAPPED, **success, "WayBillID": "88", "Fee": 3.5}
    refused = response_document({"ResultCode": 9, "ResultMsg": "no"}, push, created_at=7)
    assert (refused["ResultCode"], refused["ResultMsg"]) == (9, "no")


def test_instant_delivery_has_a_lower_case_result() -> None:
    """The result of instant delivery is `resultcode` and `resultmsg`."""
    made = response_document({"deduct_fee": 5}, {**HEADER, "Event": "transport_cancel_order"}, created_at=7)
    small = {"Event": "transport_cancel_order", "resultcode": 0, "resultmsg": "success"}
    assert made == {**SWAPPED, **small, "deduct_fee": 5}


def test_virtual_payment_has_no_header() -> None:
    """A response to virtual payment has only `ErrCode` and `ErrMsg`."""
    push: Document = {**HEADER, "Event": "xpay_refund_notify"}
    assert response_document({}, push) == {"ErrCode": 0, "ErrMsg": "success"}
    assert response_document({"ErrCode": 1}, push) == {"ErrCode": 1, "ErrMsg": "success"}


def test_a_mini_game_has_no_header() -> None:
    """A response to a mini game has `ErrCode` and `ErrMsg`; the fallback is a success: the event is persisted."""
    push: Document = {**HEADER, "Event": "Minigame_deliver_goods"}
    assert response_document({}, push) == fallback_response(push) == {"ErrCode": 0, "ErrMsg": "success"}
    assert response_document({"SubErrCode": 172935494}, push)["SubErrCode"] == 172935494


def test_an_unknown_event_gets_the_given_fields() -> None:
    """An account may declare other events as synchronous."""
    assert response_document({"a": [{"b": "c"}]}, {**HEADER, "Event": "mine"}) == {"a": [{"b": "c"}]}


@pytest.mark.parametrize(
    ("event", "result"),
    [("get_quota", ("ResultCode", -1)), ("transport_cancel_order", ("resultcode", -1)), ("xpay_refund_notify", None)],
)
def test_fallback_responses(event: str, result: tuple[str, int] | None) -> None:
    """The fallback of a carrier event is a failure; that of payment is `success`, because the event is persisted."""
    made = fallback_response({**HEADER, "Event": event})
    if result is None:
        assert made is None
    else:
        name, value = result
        assert made is not None
        assert made[name] == value


@pytest.mark.parametrize("fields", [{"a": None}, {"1a": "x"}, {"a": object()}, {"a": b"x"}])
def test_unrenderable_fields_are_rejected(fields: dict[str, str]) -> None:
    """A field that cannot be rendered raises ValueError in the worker, not in ingress."""
    with pytest.raises(ValueError, match="an EventResponse contains text, numbers"):
        response_document(fields, {**HEADER, "Event": "get_quota"})


@pytest.mark.parametrize("form", Format)
def test_numbers_and_bools_are_rendered_in_both_formats(form: Format) -> None:
    """Rendered numbers and bools are parsed as text."""
    assert parse(render({"a": 3.5, "b": True, "c": -1, "d": "x"}, form)) == {
        "a": "3.5",
        "b": "true",
        "c": "-1",
        "d": "x",
    }
