"""What WeChat still allows to send to a user is counted from the user's actions (protocol reference 9.1)."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from tests.support.echo import refusal
from tests.support.envelopes import an_envelope
from tests.support.worker import KEY, OPENID, Rig, a_text_envelope
from wxbus.bus.envelope import EnvelopeKind
from wxbus.wechat.replies.reply import reply_to_json
from wxbus.wechat.replies.windows import is_counted
from wxbus_worker import (
    Account,
    AccountKind,
    ClickEvent,
    Context,
    KfServicerMessage,
    KfTextMessage,
    OutOfWindow,
    Router,
    ScanEvent,
    SubscribeEvent,
    TextMessage,
    UserEnterSession,
    ViewEvent,
    WeChatClient,
    reply,
)
from wxbus_worker.context.context import window_of
from wxbus_worker.delivery.settlement import Done, ToDeadLetters
from wxbus_worker.testing import HandlerClient
from wxbus_worker.testing.result import Result

MINI_PROGRAM = Account(name="app", appid="wx9", kind=AccountKind.MINI_PROGRAM)
CORP = Account(name="corp", appid="ww1-7", kind=AccountKind.WECOM, agent_id=7)
NOTICE = reply.TemplateMessage("tpl", {"thing1": "news"})


def a_bot() -> Router:
    """Return a router that answers the text `5` with five texts, and events and signals with as many."""
    router = Router()

    @router.text
    async def several(message: TextMessage, context: Context) -> list[str]:
        context.storage["number"] = number = int(message.content)
        return [str(one) for one in range(number)]

    async def again(context: Context) -> list[str]:
        return [str(one) for one in range(context.storage.get("number", 1))]

    router.signal("news")(again)
    router.default(again)
    return router


def refused(result: Result) -> list[int]:
    """Return the errcodes of the replies that did not reach the user."""
    return [getattr(one.error, "errcode", 0) for one in result.undelivered]


async def test_five_messages_answer_one_of_the_user() -> None:
    """The sixth is refused at once, WeChat is not called; the next message of the user allows five more."""
    client = HandlerClient(a_bot())
    result = await client.text("7")
    assert (result.texts, refused(result)) == (["0", "1", "2", "3", "4"], [45047, 45047])
    assert isinstance(result.undelivered[0].error, OutOfWindow)
    assert list(result.context.responses) == [reply.Text(str(one)) for one in range(5)]
    assert len((await client.text("5")).texts) == 5


async def test_the_window_closes_after_48_hours() -> None:
    """Until then what is left may be sent; a little later WeChat decides; then it is refused as out of the window."""
    client = HandlerClient(a_bot())
    await client.text("2")
    client.later(timedelta(hours=47, minutes=59))
    assert len((await client.signal("news")).texts) == 2
    client.later(timedelta(minutes=1, seconds=10))
    assert len((await client.signal("news")).texts) == 1  # one of five is left
    client.later(timedelta(minutes=2))
    assert refused(await client.signal("news")) == [45015, 45015]


@pytest.mark.parametrize(
    ("kind", "fields", "more"),
    [
        (ClickEvent, {"event_key": "A"}, 3),
        (SubscribeEvent, {}, 3),
        (ScanEvent, {"event_key": "A", "ticket": "t"}, 3),
        (ViewEvent, {"event_key": "http://x"}, 0),
    ],
)
async def test_events_allow_messages_for_a_minute(kind: type, fields: dict[str, str], more: int) -> None:
    """They come on top of what is left; a tap that opens a page allows nothing. Only what is certain is refused."""
    client = HandlerClient(a_bot())
    await client.text("5")
    result = await client.send(client.new(kind, **fields))
    assert (len(result.texts), refused(result)) == (more, [45047] * (5 - more))
    result = await client.send(client.new(kind, **fields))
    assert len(result.texts) == more
    client.later(timedelta(minutes=3))
    assert refused(await client.signal("news")) == [45047] * 5


async def test_mini_programs_have_their_own_figures() -> None:
    """Entering customer service allows two messages; a follow or a menu does not exist there."""
    client = HandlerClient(a_bot(), account=MINI_PROGRAM)
    await client.text("5")
    result = await client.send(client.new(UserEnterSession, session_from="x"))
    assert (len(result.texts), refused(result)) == (2, [45047] * 3)


async def test_customers_of_wecom_have_a_window() -> None:
    """Five messages after each one of the customer, of every type; a servicer's message allows none."""
    client = HandlerClient(a_bot(), account=CORP)
    result = await client.send(client.new(KfTextMessage, to_user="wk1", from_user="wm1", content="6"))
    assert (result.texts, refused(result)) == (["0", "1", "2", "3", "4"], [95001])
    assert isinstance(result.undelivered[0].error, OutOfWindow)
    fields = {"to_user": "wk1", "from_user": "wm1", "origin": 5, "content": "1"}
    assert refused(await client.send(client.new(KfServicerMessage, **fields))) == [95001] * 6
    result = await client.send(client.new(KfTextMessage, to_user="wk1", from_user="wm1", content="5"))
    assert len(result.texts) == 5
    assert len((await client.text("9")).texts) == 9  # of a member


async def test_an_unknown_window_allows_everything() -> None:
    """Without an action in the context WeChat decides; before a first event a message is assumed."""
    client = HandlerClient(a_bot())
    for _ in range(7):
        assert (await client.signal("news")).texts == ["0"]
    client = HandlerClient(a_bot())
    await client.send(client.new(ClickEvent, event_key="A"))
    sent = [len((await client.signal("news")).texts) for _ in range(9)]
    assert sent == [1, 1, 1, 1, 1, 1, 1, 0, 0]


async def test_templates_and_passive_replies_are_not_counted() -> None:
    """WeChat does not count them."""
    router = Router()

    @router.text
    async def answer() -> list[reply.Text | reply.TemplateMessage]:
        return [*(reply.Text(str(one)) for one in range(6)), NOTICE]

    client = HandlerClient(
        router, account=Account(name="a", appid="wx1", kind=AccountKind.OFFICIAL_ACCOUNT, reply="passive")
    )
    result = await client.text("x")
    assert (len(result.replies), result.undelivered) == (7, [])
    client = HandlerClient(router)
    result = await client.text("x")
    assert (len(result.replies), refused(result)) == (6, [45047])


def test_customer_service_messages_are_counted() -> None:
    """Those, and no other replies: not templates, messages of WeCom, answers to pushes, pushes over WebSocket."""
    values = {kind.__name__: kind for kind in get_args(reply.AnyReply)}
    assert {name for name, kind in values.items() if is_counted(object.__new__(kind))} == {
        *("Text", "Image", "Voice", "Video", "Music", "News", "Menu", "MiniProgramPage", "Link", "Card"),
        *("MpNews", "MpNewsArticle"),
    }


async def test_a_fallback_replaces_a_reply_that_would_be_refused() -> None:
    """It is sent without a call for the reply."""
    router = Router()

    @router.signal("shipped")
    async def shipped() -> reply.Text:
        return reply.Text("Shipped.", fallback=NOTICE)

    @router.text
    async def hello() -> str:
        return "hello"

    client = HandlerClient(router)
    await client.text("x")
    client.later(timedelta(hours=49))
    result = await client.signal("shipped")
    assert (result.replies, result.undelivered) == ([NOTICE], [])


async def test_messages_of_the_client_are_counted_and_recorded() -> None:
    """A handler that sends itself gets the error of a message over the count; the context has what was sent.

    Messages to other users are neither.
    """
    router, errors = Router(), list[object]()

    @router.text
    async def send(message: TextMessage, client: WeChatClient) -> str:
        await client.send("o_other", reply.Text("to another user"))
        for number in range(6):
            try:
                await client.send(message.from_user, reply.Text(str(number)))
            except OutOfWindow as exc:
                errors.append(exc.errcode)
        await client.send(message.from_user, NOTICE)
        return "last"

    client = HandlerClient(router)
    result = await client.text("x")
    assert errors == [45047]
    assert refused(result) == [45047]
    assert list(result.context.responses) == [*(reply.Text(str(one)) for one in range(5)), NOTICE]


async def test_wechats_refusals_correct_the_count() -> None:
    """After 45047 of WeChat nothing more is sent until the user acts; others do not count."""
    client = HandlerClient(a_bot())
    client.wechat.refusals = [40007, 45047]
    result = await client.text("3")
    assert (result.texts, refused(result)) == (["2"], [40007, 45047])
    assert refused(await client.signal("news")) == [45047] * 3
    client.wechat.refusals = [40007]
    result = await client.text("5")
    assert (len(result.texts), refused(result)) == (4, [40007])
    assert len((await client.signal("news")).texts) == 1


async def test_a_refusal_before_the_last_action_says_nothing_about_it() -> None:
    """The note about a refused reply comes after a newer message of the user, which allows five again."""
    rig = Rig(a_bot())
    rig.wechat.errors.append(refusal(45015))
    await rig.handle(a_text_envelope("1"))
    (note,) = rig.memory_publisher.published
    await rig.handle(a_text_envelope("1", received_at=note.received_at + 1))
    await rig.handle(note)
    window = window_of((await rig.memory.open(KEY, "")).context)
    assert [left for _, left, _ in window.to_json().values()] == [4]


async def test_a_replay_is_for_wechat_to_decide() -> None:
    """What an operator sends again is sent, whatever is counted; a redelivered message renews nothing."""
    rig = Rig(a_bot())
    envelope = a_text_envelope("6")
    await rig.handle(envelope)
    await rig.handle(replace(envelope, attempt=2))
    (note,) = rig.memory_publisher.published
    assert isinstance(await rig.handle(note), ToDeadLetters)
    assert rig.wechat.texts == ["0", "1", "2", "3", "4"]
    await rig.handle(replace(note, replay=True, id="f" * 32))
    assert rig.wechat.texts[5:] == ["5"]
    window = window_of((await rig.memory.open(KEY, "")).context)
    assert [left for _, left, _ in window.to_json().values()] == [0]


async def test_a_message_of_a_broadcast_is_counted_and_recorded() -> None:
    """It is counted once and nothing is sent; it creates no context for a user without one."""
    rig = Rig(a_bot())
    sale = an_envelope(1, kind=EnvelopeKind.BROADCAST_SENT, body=reply_to_json(reply.Text("sale")))
    assert isinstance(await rig.handle(sale), Done)
    assert await rig.memory.get(KEY.appid, OPENID) is None
    await rig.handle(a_text_envelope("2"))
    for _ in range(2):
        await rig.handle(replace(sale, id="f" * 32, dedup_id="another"))
    assert rig.wechat.texts == ["0", "1"]
    context = (await rig.memory.open(KEY, "")).context
    assert list(context.responses) == [reply.Text("0"), reply.Text("1"), reply.Text("sale")]
    assert [left for _, left, _ in window_of(context).to_json().values()] == [2]


async def test_messages_of_one_moment_renew_the_allowance() -> None:
    """Times travel in milliseconds, and clocks of ingress differ: each message of the user counts."""
    rig, now = Rig(a_bot()), time.time()
    for later in (0.0, 0.0, -5.0):
        await rig.handle(a_text_envelope("4", received_at=now + later))
    assert len(rig.wechat.texts) == 12
