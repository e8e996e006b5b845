"""Pushes as WeChat makes them, opened by the real receiver (protocol reference 1.3, 1.4, 4.1)."""

import asyncio

import pytest
from aiohttp import web

from tests.support.sandbox import NOW, Received, World, a_world, answering, silence, success
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.control.client import SandboxFailure
from wxbus_sandbox.models import Outcome, SendRequest
from wxbus_sandbox.settings import Rules

USER = "oUser0000000000000000000001"


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("mode", list(Mode))
async def test_every_mode_and_format_is_what_the_receiver_expects(world: World, mode: Mode, form: Format) -> None:
    """The receiver finds the mode and the text, and the account accepts nothing else than what was sent."""
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
async def test_the_query_is_that_of_the_mode(world: World, mode: Mode, names: set[str]) -> None:
    """The table of 1.3, no more and no less."""
    await world.control.text("shop", "hi", openid=USER, mode=mode)
    assert world.ingress.received[0].raw_query.keys() == names


@pytest.mark.parametrize(("mode", "open_text"), [(Mode.PLAIN, True), (Mode.COMPATIBLE, True), (Mode.SECURE, False)])
async def test_secure_bodies_show_nothing(world: World, mode: Mode, open_text: bool) -> None:
    """In secure mode only the receiver's id stands beside the ciphertext."""
    await world.control.text("shop", "a-secret-text", openid=USER, mode=mode)
    body = world.ingress.received[0].body
    assert (b"a-secret-text" in body) is open_text
    assert (USER.encode() in body) is open_text
    assert (b"<Encrypt>" in body) is (mode is not Mode.PLAIN)


async def test_the_accounts_first_mode_and_format_are_the_default(world: World) -> None:
    """A user of the sandbox need not know how the account is set up."""
    await world.control.text("mini", "hi", openid=USER)
    await world.control.text("open", "hi", openid=USER)
    mini, plain = world.ingress.received
    assert (mini.opened.mode, mini.opened.format, mini.content_type) == (Mode.SECURE, Format.JSON, "application/json")
    assert (plain.opened.mode, plain.opened.format, plain.content_type) == (Mode.PLAIN, Format.XML, "text/xml")


async def test_json_has_numbers_where_wechat_has_them(world: World) -> None:
    """MsgId and CreateTime go out as numbers: the receiver's codec must keep all their digits."""
    result = await world.control.text("mini", "hi", openid=USER, mode=Mode.PLAIN)
    assert f'"MsgId":{result.msg_id}'.encode() in world.ingress.received[0].body
    assert int(result.msg_id or 0) > 2**50


async def test_third_party_platforms_and_wecom_have_forms_of_their_own(world: World) -> None:
    """A platform's push has AppId and InfoType; WeCom's query has no plain signature."""
    ticket = SendRequest(account="platform", type="component_verify_ticket", fields={"ComponentVerifyTicket": "t"})
    await world.control.send(ticket)
    await world.control.text("corp", "hi", openid=USER)
    platform, corp = world.ingress.received
    assert platform.opened.document["InfoType"] == "component_verify_ticket"
    assert b"<AppId>" in platform.body
    assert b"ToUserName" not in platform.body
    assert corp.raw_query.keys() == {"msg_signature", "timestamp", "nonce"}
    assert corp.opened.document["AgentID"] == "1"


async def test_an_authorisers_user_writes_to_the_platform(world: World) -> None:
    """The message is the authoriser's, the keys and the first part of the address are the platform's (6.3)."""
    with pytest.raises(SandboxFailure, match="has not authorised platform"):
        await world.control.text("platform", "hi", openid=USER, authorizer_appid="wxbranch")
    await world.control.authorize("platform", "wxbranch", push=False)

    result = await world.control.text("platform", "hi", openid=USER, authorizer_appid="wxbranch")

    assert result.outcome is Outcome.ACKNOWLEDGED
    [received] = world.ingress.received
    assert received.request.path == "/wechat/platform/wxbranch"
    assert (received.opened.document["FromUserName"], received.opened.document["Content"]) == (USER, "hi")


async def test_every_attempt_is_signed_and_encrypted_anew(world: World) -> None:
    """Three attempts of one message: the same MsgId and content, another nonce, signature and ciphertext each."""
    world.ingress.answers.extend([answering("oops", 500)] * 2)

    result = await world.control.text("shop", "hi", openid=USER)

    received = world.ingress.received
    assert [attempt.status for attempt in result.attempts] == [500, 500, 200]
    assert result.outcome is Outcome.ACKNOWLEDGED
    assert all(one.opened.document == received[0].opened.document for one in received)
    for distinct in ("nonce", "signature", "msg_signature"):
        assert len({one.raw_query[distinct] for one in received}) == 3
    assert len({one.body for one in received}) == 3


async def test_no_attempt_follows_the_third(world: World) -> None:
    """Then the push is lost, and the user is told so."""
    world.ingress.answers.extend([answering("", 503)] * 9)

    result = await world.control.text("shop", "hi", openid=USER)

    assert [attempt.outcome for attempt in result.attempts] == [Outcome.FAILED] * 3
    assert len(world.ingress.received) == 3
    assert result.shown == "该公众号提供的服务出现故障，请稍后再试"


async def test_an_answer_that_is_not_complete_in_time_is_none() -> None:
    """The connection is closed and the push made again; what is answered then counts."""
    begun, cut = asyncio.Event(), asyncio.Event()

    async def never(received: Received) -> web.StreamResponse:
        begun.set()
        try:
            return await silence(received)
        finally:
            cut.set()

    async def half(received: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "7"})
        await response.prepare(received.request)
        await response.write(b"succ")
        return await silence(received)

    async with a_world(Rules(push_timeout=0.5, push_spacing=0)) as world:
        world.ingress.answers.extend([never, half, success])
        result = await world.control.text("shop", "hi", openid=USER)

    assert begun.is_set()
    assert cut.is_set()
    assert [attempt.status for attempt in result.attempts] == [None, None, 200]
    assert result.attempts[0].reason == "no complete answer in 0.5 s"


async def test_nobody_there_is_an_attempt_too(unused_tcp_port: int) -> None:
    """Refused connections are recorded like any other failure, not raised."""
    async with a_world(ingress_url=f"http://127.0.0.1:{unused_tcp_port}") as world:
        result = await world.control.text("shop", "hi", openid=USER)
    assert [(attempt.status, attempt.reason) for attempt in result.attempts] == [(None, "ClientConnectorError")] * 3


async def test_copies_are_duplicates(world: World) -> None:
    """The same push again although it was answered, as WeChat does it when its own side stumbles."""
    result = await world.control.text("shop", "hi", openid=USER, copies=3)
    assert [attempt.copy_number for attempt in result.attempts] == [1, 2, 3]
    assert {one.opened.document["MsgId"] for one in world.ingress.received} == {result.msg_id}


async def test_a_push_can_be_made_again_as_it_was(world: World) -> None:
    """Its whole message given back is a duplicate, later or in another mode."""
    first = await world.control.text("shop", "hi", openid=USER)
    again = SendRequest(account="shop", message=first.message, mode=Mode.PLAIN, format="json")
    await world.control.send(again)
    documents = [one.opened.document for one in world.ingress.received]
    assert documents[0] == documents[1]


async def test_no_two_messages_have_the_same_id(world: World) -> None:
    """Also not after a restart: ids go on from the time."""
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
    """What nobody names is made up, so that one line sends any message."""
    await world.control.send(SendRequest(account="shop", openid=USER, type=kind))
    document = world.ingress.received[0].opened.document
    assert document["MsgType"] == kind
    assert document[name]


async def test_events_are_events(world: World) -> None:
    """They have no MsgId, and keep fields of any shape, also those XML has no word for."""
    fields = {"EventKey": "k", "Ratio": 0.5, "Flag": True, "None": None, "PicList": [{"PicMd5Sum": "a"}]}
    result = await world.control.event("shop", "pic_weixin", openid=USER, fields=fields)
    document = world.ingress.received[0].opened.document
    assert result.msg_id is None
    assert (document["MsgType"], document["Event"], document["EventKey"]) == ("event", "pic_weixin", "k")
    assert (document["Ratio"], document["Flag"], document["None"]) == ("0.5", "true", "")
    assert document["PicList"] == [{"PicMd5Sum": "a"}]


async def test_system_events_have_no_openid(world: World) -> None:
    """Their sender is no user: it is not in the query, and nobody has acted."""
    await world.control.event("mini", "wxa_media_check", openid="oWeChatsOwn", fields={"trace_id": "t"})
    assert "openid" not in world.ingress.received[0].raw_query
    assert not world.sandbox.users.known("wxmini", "oWeChatsOwn")


@pytest.mark.parametrize("account", ["shop", "mini", "open", "corp"])
async def test_the_console_verifies_addresses(world: World, account: str) -> None:
    """The echostr must come back as it is; WeCom's decrypted."""
    assert (await world.control.verify(account)).accepted
    world.ingress.echo = '"{}"'.format
    assert not (await world.control.verify(account)).accepted


async def test_what_cannot_be_pushed_says_why(world: World) -> None:
    """No such account, one without a key, a mode without an AES key, a name XML cannot write: nothing is pushed."""
    with pytest.raises(SandboxFailure, match="there is no account of this name; there are: shop, mini"):
        await world.control.text("nobody", "hi")
    with pytest.raises(SandboxFailure, match="keyless has no token"):
        await world.control.text("keyless", "hi")
    with pytest.raises(SandboxFailure, match="aes_key"):
        await world.control.text("open", "hi", mode=Mode.SECURE)
    with pytest.raises(SandboxFailure, match="cannot be an XML element"):
        await world.control.event("shop", "CLICK", fields={"a b": "c"})
    assert world.ingress.received == []


async def test_pushes_are_on_record(world: World) -> None:
    """Those who did not make them can look at them."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.text("shop", "hi", openid="oOther")
    (found,) = await world.control.pushes(openid=USER)
    assert (found.account, found.outcome) == ("shop", Outcome.ACKNOWLEDGED)
