"""Answers to events that want their own."""

import pytest

from wxbus.wechat import reply
from wxbus.wechat.documents.codec import Format, parse, render
from wxbus.wechat.replies.event_response import fallback_response, response_document

HEADER = {"ToUserName": "gh_carrier", "FromUserName": "o_wechat", "CreateTime": "1", "MsgType": "event"}
SWAPPED = {"ToUserName": "o_wechat", "FromUserName": "gh_carrier", "CreateTime": 7, "MsgType": "event"}


def test_a_carrier_answers_with_header_and_result() -> None:
    """Sender and receiver change places, the event is named as it came, success is what nobody needs to say."""
    push = {**HEADER, "Event": "Add_WayBill"}
    made = response_document(reply.EventResponse({"WayBillID": "88", "Fee": 3.5}), push, created_at=7)
    success = {"Event": "Add_WayBill", "ResultCode": 0, "ResultMsg": "success"}
    assert made == {**SWAPPED, **success, "WayBillID": "88", "Fee": 3.5}
    refused = response_document(reply.EventResponse({"ResultCode": 9, "ResultMsg": "no"}), push, created_at=7)
    assert (refused["ResultCode"], refused["ResultMsg"]) == (9, "no")


def test_instant_delivery_writes_the_result_small() -> None:
    """Its result is `resultcode` and `resultmsg`."""
    made = response_document(
        reply.EventResponse({"deduct_fee": 5}), {**HEADER, "Event": "transport_cancel_order"}, created_at=7
    )
    small = {"Event": "transport_cancel_order", "resultcode": 0, "resultmsg": "success"}
    assert made == {**SWAPPED, **small, "deduct_fee": 5}


def test_virtual_payment_has_no_header() -> None:
    """`ErrCode` and `ErrMsg`, nothing else."""
    push = {**HEADER, "Event": "xpay_refund_notify"}
    assert response_document(reply.EventResponse({}), push) == {"ErrCode": 0, "ErrMsg": "success"}
    assert response_document(reply.EventResponse({"ErrCode": 1}), push) == {"ErrCode": 1, "ErrMsg": "success"}


def test_a_mini_game_has_no_header() -> None:
    """`ErrCode` and `ErrMsg`; without a handler's answer the event counts as delivered: it is on disk."""
    push = {**HEADER, "Event": "Minigame_deliver_goods"}
    assert (
        response_document(reply.EventResponse({}), push)
        == fallback_response(push)
        == {"ErrCode": 0, "ErrMsg": "success"}
    )
    assert response_document(reply.EventResponse({"SubErrCode": 172935494}), push)["SubErrCode"] == 172935494


def test_an_event_that_wxbus_does_not_know_is_answered_as_the_handler_says() -> None:
    """An account may name events of its own as synchronous."""
    assert response_document(reply.EventResponse({"a": [{"b": "c"}]}), {**HEADER, "Event": "mine"}) == {
        "a": [{"b": "c"}]
    }


@pytest.mark.parametrize(
    ("event", "result"),
    [("get_quota", ("ResultCode", -1)), ("transport_cancel_order", ("resultcode", -1)), ("xpay_refund_notify", None)],
)
def test_without_an_answer_nothing_is_promised(event: str, result: tuple[str, int] | None) -> None:
    """A carrier's event fails, so that WeChat does not take it for done; payment is acknowledged, it is on disk."""
    made = fallback_response({**HEADER, "Event": event})
    if result is None:
        assert made is None
    else:
        name, value = result
        assert made is not None
        assert made[name] == value


@pytest.mark.parametrize("fields", [{"a": None}, {"1a": "x"}, {"a": object()}, {"a": b"x"}])
def test_what_wechat_has_no_form_for_is_refused_at_once(fields: dict[str, str]) -> None:
    """The worker finds out, not the one who sends it to WeChat."""
    with pytest.raises(ValueError, match="an EventResponse contains text, numbers"):
        response_document(reply.EventResponse(fields), {**HEADER, "Event": "get_quota"})


@pytest.mark.parametrize("form", Format)
def test_numbers_and_truth_come_through_in_both_formats(form: Format) -> None:
    """What was written is read again as WeChat's documents are: all scalars text."""
    assert parse(render({"a": 3.5, "b": True, "c": -1, "d": "x"}, form)) == {
        "a": "3.5",
        "b": "true",
        "c": "-1",
        "d": "x",
    }
