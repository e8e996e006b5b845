"""The sandbox validates responses to pushes as WeChat does (protocol reference 2.1, 4.3, 4.4, 7)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from tests.support.sandbox import ACCOUNTS, NOW, Answer, Received, World, answering
from wxbus.wechat import reply
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.registry import parse_message
from wxbus.wechat.replies.passive import passive_reply
from wxbus_sandbox.models import (
    Outcome,
    SendRequest,
    SendResult,
)

USER = "oUser0000000000000000000001"
OTHER_KEY = "0123456789012345678901234567890123456789012"


def replying(
    world: World,
    make: Callable[[Received], Mapping[str, Any]],
    *,
    account: str = "shop",
    encrypt: bool = True,
    form: Format | None = None,
) -> Answer:
    """Answer with a document made from the push, encrypted as ingress does."""

    async def answer(received: Received) -> web.StreamResponse:
        body = codec.render(make(received), form or received.opened.format)
        if encrypt and received.opened.mode is not Mode.PLAIN:
            body = world.ingress.crypto(account).seal(
                body, received.opened.format, timestamp=int(NOW), nonce=received.query.nonce
            )
        return web.Response(body=body)

    return answer


def passive(what: reply.AnyReply) -> Callable[[Received], dict[str, Any]]:
    """Return a function that makes a passive reply to a push."""
    return lambda received: passive_reply(what, parse_message(received.opened.document), created_at=int(NOW))


def with_fields(**fields: object) -> Callable[[Received], dict[str, Any]]:
    """Return a function that makes a text reply with changed fields; None removes a field."""

    def make(received: Received) -> dict[str, Any]:
        document = {**passive(reply.Text("hello"))(received), **fields}
        return {name: value for name, value in document.items() if value is not None}

    return make


async def push(world: World, *answers: Answer, account: str = "shop", **fields: Any) -> SendResult:
    """Push, and give these responses; then `success`."""
    world.ingress.answers.extend(answers)
    return await world.control.send(SendRequest.model_validate({"account": account, "openid": USER, **fields}))


def first(result: SendResult) -> tuple[Outcome, str]:
    """Return the outcome of the first response, and the reason."""
    return result.attempts[0].outcome, result.attempts[0].reason


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("body", ["success", ""])
async def test_success_and_an_empty_response_acknowledge(world: World, mode: Mode, body: str) -> None:
    """Both are accepted in every mode, without encryption."""
    result = await push(world, answering(body), mode=mode)
    assert first(result) == (Outcome.ACKNOWLEDGED, "")
    assert len(result.attempts) == 1
    assert result.shown is None


@pytest.mark.parametrize("body", ["success\n", "SUCCESS", '"success"', "ok", '{"errcode":0}', "<html/>", "<xml>"])
async def test_anything_else_is_pushed_again(world: World, body: str) -> None:
    """Only exactly `success` is success."""
    result = await push(world, answering(body))
    assert first(result)[0] is Outcome.INVALID
    assert len(result.attempts) == 2


@pytest.mark.parametrize("plaintext", [b"success", b""])
async def test_an_encrypted_success_is_an_error(world: World, plaintext: bytes) -> None:
    """Success and an empty response are never encrypted."""

    async def sealed(received: Received) -> web.StreamResponse:
        nonce = received.query.nonce
        body = world.ingress.crypto("shop").seal(plaintext, Format.XML, timestamp=int(NOW), nonce=nonce)
        return web.Response(body=body)

    outcome, reason = first(await push(world, sealed))
    assert outcome is Outcome.INVALID
    assert "must not be encrypted" in reason


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("mode", list(Mode))
async def test_a_passive_text_is_shown(world: World, mode: Mode, form: Format) -> None:
    """The reply has the push's mode and format."""
    result = await push(world, replying(world, passive(reply.Text("你好 ]]>"))), mode=mode, format=form.value)
    assert first(result) == (Outcome.REPLIED, "")
    assert result.shown == "你好 ]]>"
    assert result.reply is not None
    assert result.reply["ToUserName"] == USER


async def test_a_passive_text_of_a_mini_program_is_ignored(world: World) -> None:
    """No retry, no error, nothing shown (protocol reference 13, trap 7)."""
    result = await push(world, replying(world, passive(reply.Text("hello")), account="mini"), account="mini")
    assert first(result)[0] is Outcome.IGNORED
    assert len(result.attempts) == 1
    assert result.shown is None


@pytest.mark.parametrize("account", ["shop", "mini"])
async def test_messages_can_be_transferred_and_events_cannot(world: World, account: str) -> None:
    """transfer_customer_service is a reply to users' messages only."""
    make = with_fields(MsgType="transfer_customer_service", Content=None)
    answer = replying(world, make, account=account)
    assert (await push(world, answer, account=account)).outcome is Outcome.TRANSFERRED
    outcome, reason = first(await push(world, answer, account=account, event="CLICK"))
    assert outcome is Outcome.INVALID
    assert "never events" in reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Content": ""}, "empty Content"),
        ({"Content": "字" * 683}, "2049 bytes"),
        ({"ToUserName": "oSomebodyElse"}, "exchanged"),
        ({"FromUserName": "gh_other"}, "exchanged"),
        ({"CreateTime": "now"}, "CreateTime"),
        ({"CreateTime": None}, "CreateTime"),
        ({"MsgType": "location"}, "location"),
        ({"MsgType": None}, "MsgType"),
        ({"MsgType": "image", "Image": {"MediaId": "unknown"}}, "Image.MediaId"),
        ({"MsgType": "image"}, "Image.MediaId"),
        ({"MsgType": "music", "Music": {"Title": "t"}}, "Music.ThumbMediaId"),
        ({"MsgType": "news"}, "ArticleCount"),
        ({"MsgType": "news", "ArticleCount": 2, "Articles": [{"Title": "t"}]}, "ArticleCount"),
        ({"MsgType": "news", "ArticleCount": 2, "Articles": [{"Title": "t"}] * 2}, "more than 1"),
    ],
)
async def test_replies_against_section_7_are_invalid(world: World, fields: dict[str, Any], reason: str) -> None:
    """The user would see the outage notice."""
    outcome, why = first(await push(world, replying(world, with_fields(**fields))))
    assert outcome is Outcome.INVALID
    assert reason in why


async def test_events_allow_eight_articles(world: World) -> None:
    """A reply to a message has at most one article, a reply to an event eight."""
    cards = [{"Title": "t"}] * 9
    for count, outcome in ((8, Outcome.REPLIED), (9, Outcome.INVALID)):
        make = with_fields(MsgType="news", ArticleCount=count, Articles=cards[:count])
        assert first(await push(world, replying(world, make), event="CLICK"))[0] is outcome


@pytest.mark.parametrize("kind", ["image", "voice", "video", "music"])
async def test_uploaded_media_can_be_shown(world: World, kind: str) -> None:
    """Media are valid for three days."""
    client = world.client("shop")
    media_id = await client.upload_media("image", "a.png", b"png")
    replies: dict[str, reply.AnyReply] = {
        "image": reply.Image(media_id),
        "voice": reply.Voice(media_id),
        "video": reply.Video(media_id),
        "music": reply.Music(media_id),
    }
    assert (await push(world, replying(world, passive(replies[kind])))).outcome is Outcome.REPLIED
    await world.control.advance(3 * 86400)
    assert first(await push(world, replying(world, passive(replies[kind]))))[0] is Outcome.INVALID


@pytest.mark.parametrize("event", ["unsubscribe", "MASSSENDJOBFINISH"])
async def test_replies_without_a_user_are_ignored(world: World, event: str) -> None:
    """After unsubscribe and for system events nothing is shown."""
    assert first(await push(world, replying(world, with_fields()), event=event))[0] is Outcome.IGNORED


async def test_the_mode_decides_on_encryption(world: World) -> None:
    """Secure mode requires encryption, plain mode forbids it, compatible mode allows both."""
    plain = replying(world, with_fields(), encrypt=False)
    outcome, reason = first(await push(world, plain, mode=Mode.SECURE))
    assert (outcome, reason) == (Outcome.INVALID, "in secure mode a reply must be encrypted")
    assert first(await push(world, plain, mode=Mode.COMPATIBLE))[0] is Outcome.REPLIED
    assert first(await push(world, plain, mode=Mode.PLAIN))[0] is Outcome.REPLIED

    async def sealed(received: Received) -> web.StreamResponse:
        body = codec.render(with_fields()(received), Format.XML)
        return web.Response(body=world.ingress.crypto("shop").seal(body, Format.XML, timestamp=int(NOW), nonce="n"))

    outcome, reason = first(await push(world, sealed, mode=Mode.PLAIN))
    assert (outcome, reason) == (Outcome.INVALID, "in plain mode a reply must not be encrypted")


@pytest.mark.parametrize(
    ("token", "aes_key", "receive_id", "change", "reason"),
    [
        (None, None, "wxshop", {"MsgSignature": "0" * 40}, "MsgSignature"),
        (None, None, "wxshop", {"TimeStamp": "then"}, "TimeStamp"),
        (None, None, "wxshop", {"TimeStamp": int(NOW) + 1}, "MsgSignature"),
        (None, None, "wxshop", {"Nonce": "other"}, "MsgSignature"),
        ("another-token", None, "wxshop", {}, "MsgSignature"),
        (None, OTHER_KEY, "wxshop", {}, "Encrypt"),
        (None, None, "wxmini", {}, "Encrypt"),
    ],
)
async def test_a_wrong_signature_or_key_is_rejected(
    world: World,
    token: str | None,
    aes_key: str | None,
    receive_id: str,
    change: dict[str, codec.Renderable],
    reason: str,
) -> None:
    """The signature, the token, the key and the appid must be the account's current ones."""
    key = ACCOUNTS.named("shop").keys[0]
    assert key.aes_key is not None
    cipher = Cipher(aes_key or key.aes_key.get_secret_value(), receive_id)

    async def answer(received: Received) -> web.StreamResponse:
        encrypted = cipher.encrypt(codec.render(with_fields()(received), Format.XML))
        signature = sign(token or key.token.get_secret_value(), str(int(NOW)), "nonce", encrypted)
        outer: dict[str, codec.Renderable] = {
            "Encrypt": encrypted,
            "MsgSignature": signature,
            "TimeStamp": int(NOW),
            "Nonce": "nonce",
        }
        return web.Response(body=codec.render({**outer, **change}, Format.XML))

    outcome, why = first(await push(world, answer))
    assert outcome is Outcome.INVALID
    assert reason in why


async def test_the_timestamp_of_a_json_reply_is_a_number(world: World) -> None:
    """TimeStamp is the only JSON number of an encrypted reply."""

    async def answer(received: Received) -> web.StreamResponse:
        body = codec.render(with_fields()(received), Format.JSON)
        sealed = json.loads(world.ingress.crypto("shop").seal(body, Format.JSON, timestamp=int(NOW), nonce="n"))
        return web.json_response({**sealed, "TimeStamp": str(sealed["TimeStamp"])})

    outcome, reason = first(await push(world, answer, format="json"))
    assert (outcome, reason) == (Outcome.INVALID, "TimeStamp must be a number")


@pytest.mark.parametrize(("asked", "answered"), [("xml", Format.JSON), ("json", Format.XML)])
async def test_a_reply_has_the_format_of_the_push(world: World, asked: str, answered: Format) -> None:
    """A JSON reply to an XML push is invalid, and vice versa."""
    answer = replying(world, with_fields(), form=answered)
    assert first(await push(world, answer, format=asked))[0] is Outcome.INVALID
    assert first(await push(world, answer, format=asked, mode=Mode.PLAIN))[0] is Outcome.INVALID


async def test_a_third_party_platform_must_answer_success(world: World) -> None:
    """An empty response and a reply are invalid."""
    for body, outcome in (("success", Outcome.ACKNOWLEDGED), ("", Outcome.INVALID), ("<xml/>", Outcome.INVALID)):
        result = await push(world, answering(body), account="platform", type="component_verify_ticket")
        assert first(result)[0] is outcome


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({"ErrCode": 0, "ErrMsg": "success"}, Outcome.ACKNOWLEDGED),
        ({"ErrCode": 1, "ErrMsg": "no"}, Outcome.INVALID),
        ({}, Outcome.INVALID),
    ],
)
async def test_payments_need_errcode_0(world: World, document: dict[str, Any], outcome: Outcome) -> None:
    """ErrCode 0, encrypted as the push was, or success."""
    answer = replying(world, lambda _: document, account="mini")
    event = "xpay_goods_deliver_notify"
    assert first(await push(world, answer, account="mini", event=event))[0] is outcome
    assert first(await push(world, answering("success"), account="mini", event=event))[0] is Outcome.ACKNOWLEDGED


async def test_mini_games_need_a_plain_errcode_0(world: World) -> None:
    """ErrCode 0, never encrypted; success is invalid."""
    event = "minigame_deliver_goods"
    good = await push(world, answering('{"ErrCode":0}'), account="mini", event=event)
    assert first(good)[0] is Outcome.ACKNOWLEDGED
    for body in ("success", '{"ErrCode":1}'):
        assert first(await push(world, answering(body), account="mini", event=event))[0] is Outcome.INVALID


async def test_logistics_events_need_a_result(world: World) -> None:
    """They need ResultCode and the event's name; success is invalid."""

    def result(received: Received) -> dict[str, Any]:
        return {**with_fields(MsgType="event", Content=None)(received), "Event": "add_waybill", "ResultCode": 0}

    good = await push(world, replying(world, result, account="mini"), account="mini", event="add_waybill")
    assert first(good) == (Outcome.ACKNOWLEDGED, "")
    world.ingress.answers.clear()
    bare = await push(world, account="mini", event="add_waybill")
    assert bare.outcome is Outcome.INVALID
    assert bare.shown == "该小程序提供的服务出现故障，请稍后再试"
