"""Pushes as WeChat sends them, decrypted by wxbus itself (protocol reference 1.3, 1.4, 4.1)."""

import asyncio

import pytest
from aiohttp import web

from tests.support.clock import advanced_loop
from tests.support.sandbox import EVENT_WAIT, NOW, Received, World, a_world, answering, silence, success
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.models import (
    Outcome,
    SendRequest,
)

USER = "oUser0000000000000000000001"


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("mode", list(Mode))
async def test_pushes_are_accepted_in_every_mode_and_format(world: World, mode: Mode, form: Format) -> None:
    """Wxbus finds the mode, the format and the text that were sent."""
    result = await world.control.text("shop", "你好 ]]> &amp;", openid=USER, mode=mode, format=form.value)

    (received,) = world.ingress.received
    assert (received.opened.mode, received.opened.format) == (mode, form)
    document = received.opened.document
    assert (document["Content"], document["FromUserName"], document["MsgType"]) == ("你好 ]]> &amp;", USER, "text")
    assert (document["MsgId"], document["CreateTime"]) == (result.msg_id, str(int(NOW)))
    assert result.outcome is Outcome.ACKNOWLEDGED
    assert [(attempt.status, attempt.body) for attempt in result.attempts] == [(200, "success")]


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (Mode.PLAIN, {"signature", "timestamp", "nonce", "openid"}),
        (Mode.COMPATIBLE, {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}),
        (Mode.SECURE, {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}),
    ],
)
async def test_the_query_depends_on_the_mode(world: World, mode: Mode, names: set[str]) -> None:
    """The query has exactly the parameters of 1.3."""
    await world.control.text("shop", "hi", openid=USER, mode=mode)
    assert world.ingress.received[0].raw_query.keys() == names


@pytest.mark.parametrize(("mode", "open_text"), [(Mode.PLAIN, True), (Mode.COMPATIBLE, True), (Mode.SECURE, False)])
async def test_secure_bodies_have_no_plaintext(world: World, mode: Mode, open_text: bool) -> None:
    """In secure mode only the receiver's id is beside the ciphertext."""
    await world.control.text("shop", "a-secret-text", openid=USER, mode=mode)
    body = world.ingress.received[0].body
    assert (b"a-secret-text" in body) is open_text
    assert (USER.encode() in body) is open_text
    assert (b"<Encrypt>" in body) is (mode is not Mode.PLAIN)


async def test_the_default_is_the_accounts_first_mode_and_format(world: World) -> None:
    """Requests need not name a mode or a format."""
    await world.control.text("mini", "hi", openid=USER)
    await world.control.text("open", "hi", openid=USER)
    mini, plain = world.ingress.received
    assert (mini.opened.mode, mini.opened.format, mini.content_type) == (Mode.SECURE, Format.JSON, "application/json")
    assert (plain.opened.mode, plain.opened.format, plain.content_type) == (Mode.PLAIN, Format.XML, "text/xml")


async def test_json_numbers_are_numbers(world: World) -> None:
    """MsgId and CreateTime are JSON numbers with all digits."""
    result = await world.control.text("mini", "hi", openid=USER, mode=Mode.PLAIN)
    assert f'"MsgId":{result.msg_id}'.encode() in world.ingress.received[0].body
    assert int(result.msg_id or 0) > 2**50


async def test_platforms_and_wecom_have_their_own_formats(world: World) -> None:
    """A platform's push has AppId and InfoType; WeCom's query has no plain signature."""
    ticket = SendRequest(account="platform", type="component_verify_ticket", fields={"ComponentVerifyTicket": "t"})
    await world.control.send(ticket)
    await world.control.text("corp", "hi", openid=USER)
    platform, corp = world.ingress.received
    assert platform.opened.document["InfoType"] == "component_verify_ticket"
    assert b"<AppId>" in platform.body
    assert b"ToUserName" not in platform.body
    assert corp.raw_query.keys() == {"msg_signature", "timestamp", "nonce"}
    assert corp.opened.document["AgentID"] == "1000002"


async def test_a_message_to_an_authorizer_goes_to_the_platform(world: World) -> None:
    """The keys and the first part of the path are the platform's (6.3)."""
    with pytest.raises(SandboxFailure, match="has not authorised platform"):
        await world.control.text("platform", "hi", openid=USER, authorizer_appid="wxbranch")
    await world.control.authorize("platform", "wxbranch", push=False)

    result = await world.control.text("platform", "hi", openid=USER, authorizer_appid="wxbranch")

    assert result.outcome is Outcome.ACKNOWLEDGED
    [received] = world.ingress.received
    assert received.request.path == "/wechat/platform/wxbranch"
    assert (received.opened.document["FromUserName"], received.opened.document["Content"]) == (USER, "hi")


async def test_every_attempt_has_its_own_signature(world: World) -> None:
    """Attempts have the same MsgId and content, but different nonces, signatures and ciphertexts."""
    world.ingress.answers.extend([answering("oops", 500)] * 2)

    result = await world.control.text("shop", "hi", openid=USER)

    received = world.ingress.received
    assert [attempt.status for attempt in result.attempts] == [500, 500, 200]
    assert result.outcome is Outcome.ACKNOWLEDGED
    assert all(one.opened.document == received[0].opened.document for one in received)
    for distinct in ("nonce", "signature", "msg_signature"):
        assert len({one.raw_query[distinct] for one in received}) == 3
    assert len({one.body for one in received}) == 3


async def test_there_are_three_attempts(world: World) -> None:
    """Then the push is lost, and the user sees the outage notice."""
    world.ingress.answers.extend([answering("", 503)] * 9)

    result = await world.control.text("shop", "hi", openid=USER)

    assert [attempt.outcome for attempt in result.attempts] == [Outcome.FAILED] * 3
    assert len(world.ingress.received) == 3
    assert result.shown == "该公众号提供的服务出现故障，请稍后再试"


async def test_a_late_response_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed and the push is repeated."""
    cancelled, clock = asyncio.Event(), advanced_loop(monkeypatch)

    async def never(received: Received) -> web.StreamResponse:
        clock.ahead += EVENT_WAIT
        try:
            return await silence(received)
        finally:
            cancelled.set()

    async def half(received: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "7"})
        await response.prepare(received.request)
        await response.write(b"succ")
        clock.ahead += EVENT_WAIT
        return await silence(received)

    async with a_world() as world:
        world.ingress.answers.extend([never, half, success])
        result = await world.control.text("shop", "hi", openid=USER)
        await cancelled.wait()

    assert [attempt.status for attempt in result.attempts] == [None, None, 200]
    assert result.attempts[0].reason == f"no complete response in {EVENT_WAIT:g} s"


async def test_a_refused_connection_is_a_failed_attempt(unused_tcp_port: int) -> None:
    """Refused connections are recorded, not raised."""
    async with a_world(ingress_url=f"http://127.0.0.1:{unused_tcp_port}") as world:
        result = await world.control.text("shop", "hi", openid=USER)
    assert [(attempt.status, attempt.reason) for attempt in result.attempts] == [(None, "ClientConnectorError")] * 3


async def test_copies_are_duplicates(world: World) -> None:
    """The same push is repeated although it was acknowledged."""
    result = await world.control.text("shop", "hi", openid=USER, copies=3)
    assert [attempt.copy_number for attempt in result.attempts] == [1, 2, 3]
    assert {one.opened.document["MsgId"] for one in world.ingress.received} == {result.msg_id}


async def test_a_push_can_be_repeated(world: World) -> None:
    """A request with the message of an earlier push is a duplicate, in any mode."""
    first = await world.control.text("shop", "hi", openid=USER)
    again = SendRequest(account="shop", message=first.message, mode=Mode.PLAIN, format="json")
    await world.control.send(again)
    documents = [one.opened.document for one in world.ingress.received]
    assert documents[0] == documents[1]


async def test_message_ids_are_unique(world: World) -> None:
    """Ids start from the time, so they are unique after a restart, too."""
    first, second = [await world.control.text("shop", "hi", openid=USER) for _ in range(2)]
    async with a_world() as later:
        third = await later.control.text("shop", "hi", openid=USER)
    assert int(first.msg_id or 0) < int(second.msg_id or 0) < int(third.msg_id or 0)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("image", "PicUrl"),
        ("voice", "Format"),
        ("video", "ThumbMediaId"),
        ("shortvideo", "MediaId"),
        ("location", "Location_X"),
        ("link", "Url"),
        ("file", "FileMd5"),
        ("miniprogrampage", "PagePath"),
    ],
)
async def test_every_type_has_its_fields(world: World, kind: str, name: str) -> None:
    """Missing fields get made-up values."""
    await world.control.send(SendRequest(account="shop", openid=USER, type=kind))
    document = world.ingress.received[0].opened.document
    assert document["MsgType"] == kind
    assert document[name]


async def test_events_have_no_message_id(world: World) -> None:
    """Fields of any type are kept, also those without an XML form."""
    fields = {"EventKey": "k", "Ratio": 0.5, "Flag": True, "None": None, "PicList": [{"PicMd5Sum": "a"}]}
    result = await world.control.event("shop", "pic_weixin", openid=USER, fields=fields)
    document = world.ingress.received[0].opened.document
    assert result.msg_id is None
    assert (document["MsgType"], document["Event"], document["EventKey"]) == ("event", "pic_weixin", "k")
    assert (document["Ratio"], document["Flag"], document["None"]) == ("0.5", "true", "")
    assert document["PicList"] == [{"PicMd5Sum": "a"}]


async def test_system_events_have_no_openid(world: World) -> None:
    """The openid is not in the query, and no user action is recorded."""
    await world.control.event("mini", "wxa_media_check", openid="oWeChatsOwn", fields={"trace_id": "t"})
    assert "openid" not in world.ingress.received[0].raw_query
    assert not world.sandbox.users.is_known("wxmini", "oWeChatsOwn")


@pytest.mark.parametrize("account", ["shop", "mini", "open", "corp"])
async def test_the_console_verifies_addresses(world: World, account: str) -> None:
    """The response must be the echostr, for WeCom decrypted."""
    assert (await world.control.verify(account)).accepted
    world.ingress.echo = '"{}"'.format
    assert not (await world.control.verify(account)).accepted


async def test_impossible_pushes_are_errors(world: World) -> None:
    """An unknown account, a missing key and an invalid field name are errors; nothing is pushed."""
    with pytest.raises(SandboxFailure, match="there is no account of this name; known accounts: shop, mini"):
        await world.control.text("nobody", "hi")
    with pytest.raises(SandboxFailure, match="keyless has no token"):
        await world.control.text("keyless", "hi")
    with pytest.raises(SandboxFailure, match="aes_key"):
        await world.control.text("open", "hi", mode=Mode.SECURE)
    with pytest.raises(SandboxFailure, match="cannot be an XML element"):
        await world.control.event("shop", "CLICK", fields={"a b": "c"})
    assert world.ingress.received == []


async def test_pushes_are_recorded(world: World) -> None:
    """`pushes` returns the pushes of a user."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.text("shop", "hi", openid="oOther")
    (found,) = await world.control.pushes(openid=USER)
    assert (found.account, found.outcome) == ("shop", Outcome.ACKNOWLEDGED)
