"""Messages and events as models."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import mypy.api
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import wxbus.wechat
from tests.support.models_table import table
from tests.support.readme import ROOT
from tests.unit.wechat.strategies import documents
from wxbus.wechat import events
from wxbus.wechat.documents.codec import document_from_json, document_to_json, parse
from wxbus.wechat.documents.document import Document
from wxbus.wechat.messages.base import ComponentEvent, Event, Message
from wxbus.wechat.messages.system_events import BUSINESS_IDS, SYSTEM_EVENTS
from wxbus.wechat.registry import TABLE, AnyMessage, models, parse_message, tag_of

MODELS = models()
UNION = TypeAdapter[Any](AnyMessage)
KNOWN = {tag: model for tag, model in MODELS.items() if "unknown" not in tag}
HEADER: Document = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "1714112445"}
REQUIRED: Document = {"Content": "hi", "MediaId": "m", "Location_X": "1.5", "Location_Y": "-2", "Url": "u"}


def smallest(tag: str) -> Document:
    """Return the smallest document of a type."""
    kind, _, name = tag.partition(":")
    match kind:
        case "event":
            event, _, change = name.partition(":")
            return HEADER | {"MsgType": "event", "Event": event} | ({"ChangeType": change} if change else {})
        case "kf" | "robot":
            name, _, event = name.partition(":")
            header: Document = {"open_kfid": "wk1", "send_time": "9"} if kind == "kf" else {"aibotid": "b1"}
            content: Document = {"content": "hi", "latitude": "1.5", "longitude": "2.5"}
            header |= {"origin": "5"} if name == "servicer" else {}
            return header | {"msgtype": name, name: content | {"event_type": event, "eventtype": event}}
        case "component":
            return {"AppId": "wxc", "CreateTime": "1", "InfoType": name, "ComponentVerifyTicket": "t"}
    return HEADER | {"MsgType": kind, "MsgId": "9"} | REQUIRED


def test_every_type_is_found() -> None:
    """A document becomes the model of its type, directly and in the union; the type is case-insensitive."""
    for tag, model in KNOWN.items():
        document = smallest(tag)
        assert type(parse_message(document)) is model
        assert UNION.validate_python(document) == parse_message(document)
        upper = document | {name: str(document[name]).upper() for name in ("Event", "InfoType") if name in document}
        assert type(parse_message(upper)) is model


def test_the_table_has_every_class() -> None:
    """`make reference` writes the table of the classes, from which they are imported one by one."""
    assert TABLE.read_text(encoding="utf-8") == table()


def test_every_declared_event_is_found() -> None:
    """Every event class of `wxbus.wechat.events` is registered, and no two classes have the same name."""
    declared = [
        (f"{'component' if issubclass(model, ComponentEvent) else 'event'}:{name.lower()}{change_of(model)}", model)
        for family in pkgutil.iter_modules(events.__path__)
        for model in vars(importlib.import_module(f"{events.__name__}.{family.name}")).values()
        if isinstance(model, type) and issubclass(model, Event) and model.__module__.endswith(family.name)
        for name in (model.model_fields["event"].default, *model.other_names)
        if isinstance(name, str)
    ]
    assert len(dict(declared)) == len(declared) > 130
    assert dict(declared).items() <= KNOWN.items()


def change_of(model: type[Event]) -> str:
    """Return `:` and the `ChangeType` that a class of WeCom's events is for, "" if it is for all of them."""
    change = model.model_fields["change_type"].default if "change_type" in model.model_fields else ""
    return f":{change}" if change else ""


def test_every_type_accepts_empty_members() -> None:
    """Empty members equal absent ones, because WeChat sends many."""
    for tag, model in KNOWN.items():
        empty: Document = {field.alias: "" for field in model.model_fields.values() if field.alias}
        assert type(parse_message(empty | smallest(tag))) is model


IDS = {"ToUserName", "FromUserName", "MsgId", "MsgDataId", "MediaId", "ThumbMediaId", "PicUrl", "Url", "FileKey"}
IDS |= {"DeviceID", "SessionID", "OpenID", "AppId"}


@pytest.mark.parametrize("left", [set(), {"PicUrl"}, {"MediaId"}])
def test_ids_are_optional(left: set[str]) -> None:
    """A message without ids or URLs keeps its type: an image may have only a URL."""
    for tag, model in KNOWN.items():
        document = {name: value for name, value in smallest(tag).items() if name not in IDS - left}
        assert type(parse_message(document | dict.fromkeys(left, "x"))) is model


@given(tag=st.sampled_from(sorted(KNOWN)), data=st.data())
def test_invalid_members_never_raise(tag: str, data: st.DataObject) -> None:
    """A document of a known type with invalid members becomes an unknown message with the whole document."""
    aliases = [field.alias for field in KNOWN[tag].model_fields.values() if field.alias]
    odd: Document = data.draw(
        st.dictionaries(st.sampled_from(aliases), st.sampled_from(["", "x", "1", {"a": "b"}, ["x"]]), max_size=4)
    )
    document = smallest(tag) | odd
    message = parse_message(document)
    assert type(message) is KNOWN.get(tag_of(document)) or message.document == document  # type: ignore[attr-defined]


@given(documents)
def test_any_document_becomes_a_message(document: Document) -> None:
    """Every document becomes a message that keeps all members."""
    message = parse_message(document)
    assert isinstance(message, wxbus.wechat.UnknownMessage)
    assert message.document == document


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (HEADER | {"MsgType": "hologram", "MsgId": "9"}, wxbus.wechat.UnknownMessage),
        (HEADER | {"MsgType": "text"}, wxbus.wechat.UnknownMessage),
        (HEADER | {"MsgType": "text", "Content": "x", "CreateTime": "soon"}, wxbus.wechat.UnknownMessage),
        (HEADER | {"MsgType": "event", "Event": "unknown"}, wxbus.wechat.UnknownEvent),
        (HEADER | {"MsgType": "event"}, wxbus.wechat.UnknownEvent),
        (HEADER | {"MsgType": "event", "Event": "LOCATION", "Latitude": "north"}, wxbus.wechat.UnknownEvent),
        ({"AppId": "wxc", "CreateTime": "1", "InfoType": "brand_new"}, wxbus.wechat.UnknownComponentEvent),
        ({"AppId": "wxc", "InfoType": "authorized"}, wxbus.wechat.UnknownComponentEvent),
        (HEADER | {"MsgType": "hologram", "document": "x"}, wxbus.wechat.UnknownMessage),
        ({"document": {"document": {"a": "b"}}, "to_user": ["x"]}, wxbus.wechat.UnknownMessage),
        ({}, wxbus.wechat.UnknownMessage),
    ],
)
def test_unknown_and_invalid_messages_keep_the_document(document: Document, expected: type[Message]) -> None:
    """An unknown or invalid message keeps the whole document and the valid part of its header."""
    message = parse_message(document)
    assert type(message) is expected
    assert message.document == document  # type: ignore[attr-defined]
    assert message.from_user == document.get("FromUserName", "")


def test_unknown_members_are_kept() -> None:
    """Members without a field are available in `model_extra`."""
    message = parse_message(HEADER | {"MsgType": "text", "MsgId": "9", "Content": "hi", "NewMember": "n"})
    assert message.model_extra == {"NewMember": "n"}


def test_text() -> None:
    """The fields of a text message have their types: the time is a number, ids are text."""
    message = parse_message(
        HEADER | {"MsgType": "text", "MsgId": "6074746557628292943", "Content": "hi", "bizmsgmenuid": "101"}
    )
    assert message == wxbus.wechat.TextMessage(
        to_user="gh_1",
        from_user="o1",
        created_at=1714112445,
        msg_id="6074746557628292943",
        content="hi",
        menu_id="101",
    )


def test_models_are_frozen() -> None:
    """A handler cannot change a message for later handlers."""
    message = parse_message(smallest("text"))
    with pytest.raises(ValidationError):
        message.from_user = "o2"  # type: ignore[misc] # what is tested


def test_nested_members_of_xml_and_json() -> None:
    """Structures and lists become models in both formats."""
    xml = parse(
        b"<xml><ToUserName>g</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType>"
        b"<Event>MASSSENDJOBFINISH</Event><MsgID>5</MsgID><Status>send success</Status><TotalCount>2</TotalCount>"
        b"<CopyrightCheckResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx><AuditState>2</AuditState>"
        b"</item></ResultList><CheckState>2</CheckState></CopyrightCheckResult></xml>"
    )
    sent = parse_message(xml)
    assert isinstance(sent, wxbus.wechat.MassSendJobFinishEvent)
    assert sent.copyright_check_result is not None
    assert (sent.total_count, sent.copyright_check_result.result_list[0].audit_state) == (2, 2)

    json = parse(
        b'{"ToUserName":"g","FromUserName":"o","CreateTime":"1","MsgType":"event","Event":"subscribe_msg_sent_event",'
        b'"List":{"TemplateId":"t","MsgID":"5","ErrorCode":"0","ErrorStatus":"success"}}'
    )
    subscription = parse_message(json)
    assert isinstance(subscription, wxbus.wechat.SubscribeMessageSentEvent)
    assert [(item.msg_id, item.error_code) for item in subscription.items] == [("5", 0)]


def test_both_naming_styles_are_read() -> None:
    """Member names in lower case and in Pascal case are found."""
    check = parse_message(
        HEADER
        | {"MsgType": "event", "Event": "wxa_media_check", "trace_id": "t", "version": "2", "errcode": "-1008"}
        | {"result": {"suggest": "risky", "label": "20002"}, "detail": [{"strategy": "content_model", "prob": "90"}]}
    )
    assert isinstance(check, wxbus.wechat.MediaCheckEvent)
    assert check.result is not None
    assert (check.trace_id, check.errcode, check.result.label, check.detail[0].prob) == ("t", -1008, 20002, 90)
    pay = parse_message(
        HEADER
        | {"MsgType": "event", "Event": "xpay_goods_deliver_notify", "OpenId": "o2", "OutTradeNo": "1"}
        | {"WeChatPayInfo": {"TransactionId": "4"}, "GoodsInfo": {"Quantity": "2"}}
    )
    assert isinstance(pay, wxbus.wechat.XpayGoodsDeliverEvent)
    assert pay.wechat_pay_info is not None
    assert (pay.open_id, pay.wechat_pay_info.transaction_id, pay.team_info) == ("o2", "4", None)


def test_scene_is_without_its_prefix() -> None:
    """The scene of a QR code is equal for a new follower and an existing one."""
    new = parse_message(smallest("event:subscribe") | {"EventKey": "qrscene_shop", "Ticket": "t"})
    old = parse_message(smallest("event:scan") | {"EventKey": "shop"})
    assert isinstance(new, wxbus.wechat.SubscribeEvent)
    assert isinstance(old, wxbus.wechat.ScanEvent)
    assert (new.scene, old.scene) == ("shop", "shop")


@pytest.mark.parametrize(
    ("key", "scene", "trade_number"),
    [("qrscene_shop", "shop", ""), ("last_trade_no_4008", "", "4008"), ("", "", ""), ("other", "", "")],
)
def test_only_a_qr_code_has_a_scene(key: str, scene: str, trade_number: str) -> None:
    """The trade number of a follow after a payment is not a QR code scene."""
    new = parse_message(smallest("event:subscribe") | {"EventKey": key})
    assert isinstance(new, wxbus.wechat.SubscribeEvent)
    assert (new.scene, new.trade_number) == (scene, trade_number)


def test_secrets_of_a_platform_are_not_shown() -> None:
    """The repr of a third-party platform's event contains no ticket and no code."""
    ticket = smallest("component:component_verify_ticket") | {"ComponentVerifyTicket": "ticket@@@secret"}
    code = smallest("component:authorized") | {"AuthorizationCode": "secret", "PreAuthCode": "secret"}
    odd = code | {"CreateTime": "x"}
    for document in (ticket, code, odd):
        assert "secret" not in repr(parse_message(document))


def test_messages_travel_as_json() -> None:
    """A message dumped under WeChat's names validates to an equal message."""
    for tag in MODELS:
        message = parse_message(smallest(tag))
        document = document_from_json(document_to_json(smallest(tag)))
        assert parse_message(document) == message
        assert UNION.validate_json(message.model_dump_json(by_alias=True)) == message


def test_type_checkers_see_every_type(tmp_path: Path) -> None:
    """Type checkers know the fields of the types in `wxbus.wechat`."""
    names = sorted({model.__name__ for model in MODELS.values()})
    sample = tmp_path / "handlers.py"
    sample.write_text(
        "from typing import assert_type\n"
        f"from wxbus.wechat import AnyMessage, {', '.join(names)}\n"
        "def handle(message: AnyMessage, click: ClickEvent, pay: XpayGoodsDeliverEvent) -> str:\n"
        "    assert_type(pay.retry_times, int | None)\n"
        "    match message:\n"
        "        case TextMessage(content=content):\n"
        "            return content\n"
        "    return click.event_key\n"
    )
    said, errors, code = mypy.api.run([f"--config-file={ROOT / 'pyproject.toml'}", str(sample)])
    assert (said.strip(), errors, code) == ("Success: no issues found in 1 source file", "", 0)


def test_every_type_is_exported() -> None:
    """`wxbus.wechat` exports each message and event."""
    for model in MODELS.values():
        assert getattr(wxbus.wechat, model.__name__) is model


def test_the_tables_of_identity_contain_only_known_events() -> None:
    """Each name in the tables of system events has a model, so a typo is detected."""
    names = {tag.removeprefix("event:") for tag in KNOWN if tag.startswith("event:")}
    assert names >= SYSTEM_EVENTS
    assert names >= BUSINESS_IDS.keys()


def test_pictures_written_as_bare_text_are_kept() -> None:
    """Two lists of one bare text each are two pictures."""
    info = "<PicList><item>A</item></PicList><PicList><item>B</item></PicList>"
    body = f"<xml><MsgType>event</MsgType><Event>pic_weixin</Event><SendPicsInfo>{info}</SendPicsInfo></xml>"
    header = {"ToUserName": "gh_shop", "FromUserName": "o_1", "CreateTime": "1700000000"}

    message = parse_message({**header, **parse(body.encode())})

    assert isinstance(message, wxbus.wechat.WeChatAlbumEvent)
    assert message.send_pics_info is not None
    assert [picture.pic_md5_sum for picture in message.send_pics_info.pic_list] == ["A", "B"]
