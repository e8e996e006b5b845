"""Messages of WeCom applications, against the sandbox over real HTTP."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from tests.support.sandbox import World
from wxbus.api.sends import OBSERVER
from wxbus.errors import BadRequest, NotPermitted, OutOfWindow, RateLimited, UserRefused, WeChatError
from wxbus.wechat import reply
from wxbus.wechat.replies.reply import AnyReply
from wxbus_sandbox.models import Fault

SEND = "/wecom/cgi-bin/message/send"


async def test_a_message_reaches_a_member(world: World) -> None:
    """It names the member and the application; WeCom's own error codes have their branch."""
    client = world.application()
    await client.send("zhangsan", reply.Text("hello"))

    [sent] = await world.control.sent(account="corp")
    assert (sent.openid, sent.content, sent.payload["agentid"]) == ("zhangsan", "hello", 1000002)
    for errcode, branch in ((81013, UserRefused), (60020, NotPermitted), (301002, NotPermitted), (45002, BadRequest)):
        await world.control.fault(Fault(path=SEND, errcode=errcode))
        with pytest.raises(branch):
            await client.send("zhangsan", reply.Text("hello"))
    with pytest.raises(UserRefused, match="81013"):
        await client.send("#not-a-member", reply.Text("hello"))
    await world.control.invalidate_tokens("wxcorp")
    await client.send("zhangsan", reply.Text("after a new token"))


async def test_messages_to_a_member_are_counted_before_they_are_sent(world: World) -> None:
    """WeCom drops messages over its limit for one member without an error: the client raises and sends nothing."""
    counted: list[tuple[str, ...]] = []

    class Limits:
        async def acquire(self, appid: str, path: str) -> None:
            counted.append((appid, path))

        async def acquire_user(self, appid: str, path: str, user: str) -> None:
            if (appid, path, user) in counted:
                raise WeChatError(45011, "too many", call=path)
            counted.append((appid, path, user))

        async def refused(self, *what: object) -> None:
            raise AssertionError(what)

    client = world.application(limits=Limits())
    await client.send("zhangsan", reply.Text("1"))
    with pytest.raises(RateLimited):
        await client.send("zhangsan", reply.Text("2"))
    assert [sent.content for sent in await world.control.sent(account="corp")] == ["1"]
    path = "/cgi-bin/message/send"
    assert counted == [("wxcorp", path, "zhangsan"), ("wxcorp", path)]


async def test_too_many_calls_are_no_used_up_quota(world: World) -> None:
    """WeCom's limits are those of a minute and an hour: the error says when to try again."""
    await world.control.fault(Fault(path=SEND, errcode=45009))
    with pytest.raises(RateLimited) as caught:
        await world.application().send("zhangsan", reply.Text("hello"))
    assert (caught.value.errcode, caught.value.retry_after) == (45009, 60)


async def test_a_message_is_observed_once(world: World) -> None:
    """What a handler sends itself is recorded once in the context."""
    seen: list[tuple[str, str, AnyReply]] = []

    class Observer:
        def sending(self, appid: str, openid: str, sent: AnyReply) -> AbstractContextManager[None]:
            seen.append((appid, openid, sent))
            return nullcontext()

    token = OBSERVER.set(Observer())
    try:
        await world.application().send("zhangsan", reply.Text("hello"))
    finally:
        OBSERVER.reset(token)
    assert seen == [("wxcorp", "zhangsan", reply.Text("hello"))]


async def test_a_message_to_many_names_those_whom_it_did_not_reach(world: World) -> None:
    """WeCom sends to the others, and answers with userids in lower case."""
    client = world.application()
    sent = await client.send_message(reply.Markdown("**hi**"), users=["Li.Si", "#Nobody"], duplicate_check_interval=60)

    assert (sent.invalid_users, sent.unlicensed_users, bool(sent.msgid)) == (("#nobody",), (), True)
    [received] = await world.control.sent(account="corp")
    assert (received.openid, received.payload["enable_duplicate_check"]) == ("Li.Si", 1)
    for receivers, problem in (
        ({}, "there is no receiver"),
        ({"users": ["u"] * 1001}, "1001 users; the limit of WeCom is 1000"),
        ({"tags": range(101)}, "101 tags; the limit of WeCom is 100"),
        ({"users": ["u"], "duplicate_check_interval": 99_999}, "the limit is four hours"),
    ):
        given: dict[str, Any] = receivers
        with pytest.raises(ValueError, match=problem):
            await client.send_message(reply.Text("x"), **given)


async def test_every_type_of_message_is_accepted(world: World) -> None:
    """The sandbox checks each type as WeCom does, media included."""
    client = world.application()
    image = await client.upload_media("image", "a.png", b"png")
    replies: list[AnyReply] = [
        reply.Text("a"),
        reply.Markdown("a"),
        reply.Image(image),
        reply.Voice(await client.upload_media("voice", "a.amr", b"amr")),
        reply.Video(await client.upload_media("video", "a.mp4", b"mp4"), "title"),
        reply.File(await client.upload_media("file", "a.pdf", b"pdf")),
        reply.TextCard("title", "text", "https://example.com/", button="More"),
        reply.News((reply.Article("title", url="https://example.com/"),) * 8),
        reply.CorpNews((reply.CorpArticle("title", image, "<p>text</p>"),)),
        reply.MiniProgramNotice("wx1", "Your order", items={"No.": "7"}),
        reply.TemplateCard({"card_type": "text_notice", "main_title": {"title": "a"}}),
    ]
    for one in replies:
        await client.send("zhangsan", one)

    types = [sent.msgtype for sent in await world.control.sent(account="corp", count=len(replies))]
    assert types == [one.kind if one.kind != "corp_news" else "mpnews" for one in replies]
    file = await client.download_media(image)
    assert getattr(file, "data", None) == b"png"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (reply.Text("企" * 683), "text of 2049 bytes; the limit of WeCom is 2048"),
        (reply.TextCard("企" * 43, "a", "https://a"), "title of a textcard of 129 bytes; the limit of WeCom is 128"),
        (reply.News((reply.Article("a"),) * 9), "news of 9 articles; the limit of WeCom is 8"),
        (reply.Menu((reply.MenuItem("1", "a"),)), "msgmenu cannot be a message of a WeCom application"),
        (reply.CorpNews((reply.CorpArticle("a", "m", "x" * 700_000),)), "content of an article of 700000 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
async def test_limits_are_checked_before_the_network(world: World, wrong: AnyReply, problem: str) -> None:
    """The error names what is too long and the limit; nothing is sent."""
    with pytest.raises(ValueError, match=problem):
        await world.application().send("zhangsan", wrong)
    assert await world.control.sent(account="corp", count=0) == []


async def test_only_tokens_of_wecom_are_accepted(world: World) -> None:
    """WeCom has a host of its own, where a token of WeChat is not valid."""
    token = await world.tokens.get("wxshop")
    with pytest.raises(WeChatError, match="61014"):
        await world.wecom.post("/cgi-bin/message/send", {"touser": "u"}, {"access_token": token})


async def test_customers_get_messages_while_the_application_serves_them(world: World) -> None:
    """Five messages follow a customer's message, in the states 0 and 1 only (WeCom reference 7.3, 7.4)."""
    client = world.application()
    openid = "wk1:wm1"
    with pytest.raises(OutOfWindow, match="95001"):
        await client.send(openid, reply.Text("too early"))
    await world.control.customer("corp", "hi", open_kfid="wk1", external_userid="wm1", push=False)
    for number in range(5):
        await client.send(openid, reply.Text(f"answer {number}"), message_id=f"m-{number}")
    with pytest.raises(OutOfWindow, match="95001"):
        await client.send(openid, reply.Text("one too many"))
    with pytest.raises(ValueError, match="markdown cannot be a message of WeChat Customer Service"):
        await client.send(openid, reply.Markdown("x"))

    assert (await client.kf.state("wk1", "wm1")).service_state == 1
    code = await client.kf.change_state("wk1", "wm1", 4)
    await client.kf.send_on_event(code, {"msgtype": "text", "text": {"content": "bye"}})
    with pytest.raises(WeChatError):
        await client.kf.send_on_event(code, {"msgtype": "text", "text": {"content": "again"}})
    with pytest.raises(OutOfWindow, match="95018"):
        await client.send(openid, reply.Text("after the end"))

    sent = await world.control.sent(account="corp", openid=openid)
    assert [one.content for one in sent] == [*(f"answer {number}" for number in range(5)), "bye"]
