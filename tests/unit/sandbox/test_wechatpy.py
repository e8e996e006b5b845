"""wechatpy works against the sandbox as against api.weixin.qq.com: an outside judge of its answers and callbacks."""

import asyncio
import io
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import wechatpy
from aiohttp import web
from wechatpy import WeChatClient as WeChatPy
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException
from wechatpy.replies import ArticlesReply, ImageReply, TextReply
from wechatpy.utils import check_signature

from tests.support.sandbox import AES_KEY, SECRET, TOKEN, World, a_world, serving
from tests.unit.api.test_wechatpy import ToSandbox
from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.models import Outcome, SendRequest, SendResult
from wxbus_sandbox.rules.media import PICTURE
from wxbus_sandbox.settings import Rules

T = TypeVar("T")
USER = "oUser0000000000000000000001"


def client_of(world: World, secret: str = SECRET) -> WeChatPy:
    """Return wechatpy's client of the Official Account, without a token."""
    client = WeChatPy("wxshop", secret)
    client._http.mount("https://api.weixin.qq.com", ToSandbox(world.url))
    return client


async def call(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Call wechatpy, which blocks."""
    return await asyncio.to_thread(function, *arguments, **options)


async def errcode(function: Callable[..., object], *arguments: Any) -> int:
    """Return the errcode with which wechatpy refuses a call."""
    with pytest.raises(WeChatClientException) as caught:
        await call(function, *arguments)
    return int(caught.value.errcode)


async def test_its_client_works_as_against_wechat(world: World) -> None:
    """The client fetches a token, and a new one after the first became invalid; it uploads, downloads and sends."""
    client = client_of(world)
    token = await call(lambda: client.access_token)
    assert world.sandbox.tokens.appid_of(token) == "wxshop"

    picture = io.BytesIO(PICTURE)
    picture.name = "a.png"
    uploaded = await call(client.media.upload, "image", picture)
    assert (uploaded["type"], uploaded["created_at"]) == ("image", int(world.clock.now()))
    downloaded = await call(client.media.download, uploaded["media_id"])
    assert (downloaded.content, downloaded.headers["Content-Type"]) == (PICTURE, "image/png")

    assert await errcode(client.message.send_text, USER, "too early") == 45015
    await world.control.text("shop", "hi", openid=USER)
    await call(client.message.send_text, USER, "one 你好")
    await call(client.message.send_image, USER, uploaded["media_id"])
    sent = await world.control.sent(openid=USER)
    assert [one.msgtype for one in sent] == ["text", "image"]
    assert sent[0].content == "one 你好"

    await world.control.invalidate_tokens("shop")
    await call(client.message.send_text, USER, "two")  # wechatpy fetches another token, and repeats the call
    assert client.access_token != token
    assert (await world.control.sent(openid=USER))[-1].content == "two"
    for _ in range(2):
        await call(client.message.send_text, USER, "more")
    assert await errcode(client.message.send_text, USER, "a sixth") == 45047
    assert await errcode(client.message.send_text, "oOther", "x") == 45015
    assert await errcode(client.media.download, "unknown") == 40007
    assert await errcode(client_of(world, "wrong").fetch_access_token) == 40125


async def test_it_opens_and_answers_callbacks() -> None:
    """It verifies and decrypts each callback; its encrypted replies are accepted; each message has its own class."""
    crypto, seen = WeChatCrypto(TOKEN, AES_KEY, "wxshop"), list[Any]()

    async def answer(request: web.Request) -> web.Response:
        query, body = request.query, (await request.read()).decode()
        check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
        if request.method == "GET":
            return web.Response(text=query["echostr"])
        if "msg_signature" in query:
            body = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = wechatpy.parse_message(body)
        seen.append(message)
        reply = TextReply(content=f"got {message.type}", message=message)
        if message.type == "image":
            reply = ImageReply(media_id=message.media_id, message=message)
        if message.type == "link":
            reply = ArticlesReply(
                message=message, articles=[{"title": "t", "description": "d", "url": "u", "image": "i"}]
            )
        text = reply.render()
        if "msg_signature" in query:
            text = crypto.encrypt_message(text, query["nonce"], query["timestamp"])
        return web.Response(text=text)

    app = web.Application()
    app.router.add_route("*", "/wechat/shop", answer)
    async with (
        serving(app) as port,
        a_world(Rules(push_spacing=0), ingress_url=f"http://127.0.0.1:{port}") as world,
    ):
        assert (await world.control.verify("shop")).accepted
        for mode in (Mode.SECURE, Mode.PLAIN):
            result = await world.control.text("shop", "你好 ]]> &", openid=USER, mode=mode)
            assert (result.outcome, result.shown) == (Outcome.REPLIED, "got text"), result
            assert (seen[-1].content, seen[-1].source, str(seen[-1].id)) == ("你好 ]]> &", USER, result.msg_id)

        async def pushed(kind: str, event: str | None = None, **fields: object) -> SendResult:
            request = SendRequest(account="shop", openid=USER, type=kind, event=event, fields=fields)
            return await world.control.send(request)

        for kind in ("image", "voice", "video", "shortvideo", "location", "link"):
            result = await pushed(kind)
            assert result.outcome is Outcome.REPLIED, (kind, result.attempts)
            assert seen[-1].type == kind
        for event, fields, name in (
            ("subscribe", {}, "subscribe"),
            ("subscribe", {"EventKey": "qrscene_7", "Ticket": "t"}, "subscribe_scan"),
            ("SCAN", {"EventKey": "7", "Ticket": "t"}, "scan"),
            ("CLICK", {"EventKey": "k"}, "click"),
            ("LOCATION", {"Latitude": "1.5", "Longitude": "2", "Precision": "3"}, "location"),
        ):
            assert (await pushed("event", event, **fields)).outcome is Outcome.REPLIED, event
            assert seen[-1].event == name
