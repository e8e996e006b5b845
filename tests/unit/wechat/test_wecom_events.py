"""Events of WeCom have types, in both formats, and only those of members belong to a user."""

from collections import Counter

import pytest

from tests.unit.wechat.test_event_samples import leaves, push, unknown
from tests.unit.wechat.wecom_samples import MEMBERS, SYSTEM
from wxbus import wechat
from wxbus.wechat.documents.codec import Format, parse
from wxbus.wechat.messages.identity import dedup_id, lane_of, openid_of
from wxbus.wechat.registry import parse_message

SHARED = {"AgentID"}
"""A member that WeCom adds to events of WeChat; it is in `model_extra`."""


@pytest.mark.parametrize("format", Format)
def test_every_value_is_in_a_declared_field(format: Format) -> None:  # noqa: A002
    """The class follows from event and `ChangeType`; each value is in a field, and a dump validates again."""
    samples = [*MEMBERS, *((model, name, {"FromUserName": "sys", **fields}) for model, name, fields, _ in SYSTEM)]
    for model, name, fields in samples:
        document = parse(push(name, {"AgentID": 1000002, **fields}, format))
        message = parse_message(document)
        assert type(message) is model
        if issubclass(model, wechat.WeComEvent) and model is not wechat.ContactChangeEvent:
            assert unknown(message) == []
        assert {*unknown(message)} <= {*SHARED, "UserID"}
        dumped = message.model_dump(by_alias=True, exclude_unset=True)
        assert Counter(leaves(dumped)) == Counter(leaves(document))
        assert model.model_validate(dumped) == message


def test_events_of_sys_belong_to_no_user() -> None:
    """They have no openid, so they open no context; their lane is that of what they are about."""
    for _, name, fields, about in SYSTEM:
        for sender in ("sys", ""):
            document = parse(push(name, {"FromUserName": sender, **fields}))
            assert (name, openid_of(document)) == (name, None)
            assert (name, lane_of("ww1", document)) == (name, f"ww1:{about}")
    for _, name, fields in MEMBERS:
        assert (name, openid_of(parse(push(name, fields)))) == (name, "oSender")


def test_two_changes_in_a_second_differ() -> None:
    """WeCom's time has a resolution of a second: the rest of the push distinguishes two events of `sys`."""
    header = {"FromUserName": "sys", "ChangeType": "create_user"}
    first, second = (parse(push("change_contact", {**header, "UserID": user})) for user in ("a", "b"))
    assert dedup_id("ww1", first) != dedup_id("ww1", second)
    assert dedup_id("ww1", first) == dedup_id("ww1", dict(first))


def test_both_spellings_of_an_option_are_accepted() -> None:
    """WeCom also writes `OpitonIds` and `OpitonId` (WeCom reference 5.2)."""
    items = {"SelectedItem": {"QuestionKey": "q", "OpitonIds": {"OpitonId": ["o1", "o2"]}}}
    event = parse_message(parse(push("template_card_event", {"SelectedItems": items})))
    assert isinstance(event, wechat.TemplateCardEvent)
    assert event.selected_items is not None
    [item] = event.selected_items.selected_item
    assert item.option_ids is not None
    assert item.option_ids.option_id == ("o1", "o2")
