"""Calls that end with an event: mass messages, publications and content checks."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.support.sandbox import World, a_world, event_of
from wxbus.api.endpoints.content_security import MediaType, Scene
from wxbus.api.endpoints.drafts import DraftArticle
from wxbus.api.endpoints.mass_content import MassArticles, MassText, MassVideo
from wxbus.api.endpoints.subscribe_messages import Value
from wxbus.api.endpoints.template_messages import TemplateValue
from wxbus.errors import BadRequest, LoginRequired, WeChatError
from wxbus.wechat.events.content import MediaCheckEvent
from wxbus.wechat.events.sending import (
    MassSendJobFinishEvent,
    PublishJobFinishEvent,
    SubscribeMessageSentEvent,
    TemplateSendJobFinishEvent,
)
from wxbus_sandbox.families.content_security import RISKY_WORDS
from wxbus_sandbox.rules.tokens import Family
from wxbus_sandbox.settings import Rules

ANN = "oAnn00000000000000000000001"
BEN = "oBen00000000000000000000001"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Return a sandbox with two followers of each account; one account gets XML, the other JSON."""
    async with a_world() as world:
        for account in ("shop", "mini"):
            for openid in (ANN, BEN):
                await world.control.text(account, "hi", openid=openid)
        yield world


async def test_a_mass_message_is_delivered_and_ends_with_its_event(world: World) -> None:
    """Each follower gets it once; the event has the id of the answer, which exceeds 2**53, and the numbers."""
    mass = world.client("shop").mass_messages
    job = await mass.send_to_all(MassText(content="news"))
    event = await event_of(world, MassSendJobFinishEvent, "MASSSENDJOBFINISH")
    assert int(job.msg_id) > 2**53
    assert (event.msg_id, event.status) == (job.msg_id, "send success")
    assert (event.total_count, event.sent_count, event.error_count) == (2, 2, 0)
    assert (await mass.status(job.msg_id)).msg_status == "SEND_SUCCESS"
    assert [sent.openid for sent in await world.control.sent(account="shop")] == [ANN, BEN]


async def test_a_mass_message_with_a_known_client_id_is_not_sent_again(world: World) -> None:
    """45065 returns the ids of the first message; after a day the id is free."""
    mass = world.client("shop").mass_messages
    first = await mass.send_to_users([ANN, BEN], MassVideo(media_id="v"), client_id="c")
    assert await mass.send_to_users([ANN, BEN], MassVideo(media_id="v"), client_id="c") == first
    assert len(await world.control.sent(account="shop")) == 2
    await world.control.advance(24 * 3600)
    assert await mass.send_to_users([ANN, BEN], MassVideo(media_id="v"), client_id="c") != first


async def test_articles_of_a_mass_message_use_up_their_draft(world: World) -> None:
    """The event names the address of each article; a preview keeps the draft."""
    client = world.client("shop")
    articles = [DraftArticle(title=title, content="<p>text</p>", thumb_media_id="t") for title in "ab"]
    media_id = await client.drafts.add(articles)
    await client.mass_messages.preview(ANN, MassArticles(media_id=media_id))
    job = await client.mass_messages.send_to_all(MassArticles(media_id=media_id))
    event = await event_of(world, MassSendJobFinishEvent, "MASSSENDJOBFINISH")
    assert event.article_url_result is not None
    assert [one.article_idx for one in event.article_url_result.result_list] == [1, 2]
    with pytest.raises(BadRequest, match="40007"):
        await client.drafts.find(media_id)
    await client.mass_messages.delete(job.msg_id)
    assert (await client.mass_messages.status(job.msg_id)).msg_status == "DELETE"


async def test_a_text_cannot_be_deleted_and_an_unknown_message_is_named(world: World) -> None:
    """WeChat deletes articles and videos only (40204), and knows its own ids only (40059)."""
    mass = world.client("shop").mass_messages
    job = await mass.send_to_all(MassText(content="news"))
    calls: dict[int, Callable[[], Awaitable[object]]] = {
        40204: lambda: mass.delete(job.msg_id),
        40059: lambda: mass.status("1"),
        40152: lambda: mass.send_to_tag(7, MassText(content="x")),
    }
    for errcode, call in calls.items():
        with pytest.raises(WeChatError) as caught:
            await call()
        assert caught.value.errcode == errcode


async def test_a_draft_is_changed_listed_and_deleted(world: World) -> None:
    """What was added can be read back; the newest comes first; the text can be left out."""
    drafts = world.client("shop").drafts
    old = await drafts.add([DraftArticle(title="old", content="text")])
    await world.control.advance(1)
    new = await drafts.add([DraftArticle(title="new", content="text", need_open_comment=True)])
    await drafts.update(new, DraftArticle(title="newer", content="other"))
    page = await drafts.page(without_text=True)
    assert [(one.media_id, one.content.news_item[0].title) for one in page.item] == [(new, "newer"), (old, "old")]
    assert page.item[0].content.news_item[0].content == ""
    assert (await drafts.find(new))[0].content == "other"
    await drafts.delete(old)
    assert (await drafts.count(), (await drafts.page()).total_count) == (1, 1)
    with pytest.raises(BadRequest, match="40114"):
        await drafts.update(new, DraftArticle(title="x", content="x"), index=1)


async def test_a_publication_ends_with_its_event(world: World) -> None:
    """Until then its status is 1; then it has an article id, by which it is read, listed and deleted."""
    client = world.client("shop")
    media_id = await client.drafts.add([DraftArticle(title=title, content="text") for title in "ab"])
    job = await client.publications.submit(media_id)
    event = await event_of(world, PublishJobFinishEvent, "PUBLISHJOBFINISH")
    info = event.publish_event_info
    assert info is not None
    assert (info.publish_id, info.publish_status) == (job.publish_id, 0)
    status = await client.publications.status(job.publish_id)
    assert (status.publish_status, status.article_id, status.article_detail.count) == (0, info.article_id, 2)
    assert [one.title for one in await client.publications.find(info.article_id)] == ["a", "b"]
    await client.publications.delete(info.article_id, index=1)
    assert [one.is_deleted for one in (await client.publications.page()).item[0].content.news_item] == [True, False]
    await client.publications.delete(info.article_id)
    with pytest.raises(BadRequest, match="53600"):
        await client.publications.find(info.article_id)
    assert await client.drafts.count() == 0


async def test_a_publication_that_is_not_finished_is_running() -> None:
    """With a delay the event comes later than the answer."""
    async with a_world(Rules(push_spacing=0, result_delay=3600)) as world:
        client = world.client("shop")
        job = await client.publications.submit(await client.drafts.add([DraftArticle(title="a", content="b")]))
        assert (await client.publications.status(job.publish_id)).publish_status == 1
        assert await world.control.pushes(event="PUBLISHJOBFINISH") == []


async def test_content_checks(world: World) -> None:
    """A text is judged at once, media by an event with the trace id; the user must have visited the Mini Program."""
    security = world.client("mini").content_security
    assert (await security.check_text("hello", ANN, Scene.COMMENT)).result.suggest == "pass"
    risky = await security.check_text(f"x {RISKY_WORDS[0]}", ANN, Scene.COMMENT)
    assert (risky.result.suggest, risky.detail[0].label) == ("risky", risky.result.label)
    verdicts = {"https://e.test/a.png": "pass", f"https://e.test/{RISKY_WORDS[1]}": "risky"}
    for number, (url, suggest) in enumerate(verdicts.items(), 1):
        trace_id = await security.check_media(url, MediaType.IMAGE, ANN, Scene.PROFILE)
        event = await event_of(world, MediaCheckEvent, "wxa_media_check", number)
        assert (event.trace_id, event.from_user) == (trace_id, ANN)
        assert event.result is not None
        assert event.result.suggest == suggest
    with pytest.raises(LoginRequired, match="61010"):
        await security.check_text("hello", "oStranger00000000000000001", Scene.COMMENT)


async def test_messages_by_template_report_their_delivery(world: World) -> None:
    """The event of a template message has the id of the answer; one of a subscription message names the template."""
    msg_id = await world.client("shop").template_messages.send(ANN, "t", {"first": TemplateValue(value="x")})
    sent = await event_of(world, TemplateSendJobFinishEvent, "TEMPLATESENDJOBFINISH")
    assert (sent.msg_id, sent.status, sent.from_user) == (msg_id, "success", ANN)
    sends: tuple[Callable[..., Awaitable[object]], ...] = (
        world.client("shop").subscribe_messages.send_notice,
        world.client("mini").subscribe_messages.send,
    )
    for number, call in enumerate(sends, 1):
        await call(ANN, "t", {"thing1": Value(value="x")})
        reported = await event_of(world, SubscribeMessageSentEvent, "subscribe_msg_sent_event", number)
        assert [(one.template_id, one.error_code, one.error_status) for one in reported.items] == [("t", 0, "success")]


async def test_results_for_an_authorizer_go_to_its_platform(world: World) -> None:
    """The event is pushed to the address of the platform, with the appid of the account, encrypted for the platform."""
    await world.control.authorize("platform", "wxbakery", push=False)
    token = world.sandbox.tokens.issue("wxbakery", Family.AUTHORIZER).value
    answer = await world.http.post(
        "/cgi-bin/message/mass/sendall",
        {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "x"}},
        {"access_token": token},
    )
    event = await event_of(world, MassSendJobFinishEvent, "MASSSENDJOBFINISH")
    assert event.msg_id == str(answer["msg_id"])
    assert world.ingress.received[-1].request.match_info == {"account": "platform", "appid": "wxbakery"}
