"""Passive replies and synchronous events under WeChat's rules: three attempts, modes, formats, answers."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from tests.support.metrics import counted
from tests.support.proxy import proxied
from tests.support.whole import Whole, an_account, whole
from wxbus.aio.background import background
from wxbus.bus.topology import Topology
from wxbus.wechat.callbacks.keys import Mode
from wxbus_ingress.settings import Limits
from wxbus_sandbox.cli.tail import entries
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome, SendRequest, SendResult
from wxbus_sandbox.settings import Rules
from wxbus_worker import Event, RetryLater, Router, TextMessage, reply

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WAITS = 6.0
"""Seconds of WeChat's timeout. The age of a push gives its attempt, so a slow machine may be late by half of them."""
BUDGET = 5.0

Open = Callable[..., AbstractAsyncContextManager[Whole]]


@pytest.fixture
def world(amqp_url: str, redis_url: str, redis: object, topology: Topology, tmp_path: Path) -> Open:
    """Ingress, worker and WeChat; `redis` deletes the keys afterwards."""
    assert redis is not None
    return partial(
        whole,
        amqp_url=amqp_url,
        redis_url=redis_url,
        topology=topology,
        folder=tmp_path,
        limits=Limits(budget=BUDGET, broker_budget=3.0, wechat_timeout=WAITS),
        pending_grace=2.0,
        rules=Rules(push_timeout=WAITS, push_spacing=WAITS),
    )


class Attempts:
    """The ends of WeChat's attempts, by user."""

    def __init__(self) -> None:
        self._ended: defaultdict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)

    async def watch(self, sandbox: SandboxClient) -> None:
        """Take the ends of all attempts from now on."""
        async with aclosing(entries(sandbox, 0)) as found:
            async for kind, entry in found:
                if kind in ("retry", "push"):
                    self._ended[entry["openid"]].put_nowait(kind)

    async def next_ends(self, openid: str) -> None:
        """Return once WeChat's next attempt for a user has ended, with any outcome."""
        await self._ended[openid].get()


async def test_the_retry_window_gives_the_handler_three_attempts(world: Open) -> None:
    """The handler runs once; the second or third attempt gets its reply, later ones go by customer service."""
    expected = {"0": 1, "1": 2, "2": 3, "3": 3}
    """The number of attempts that a handler waits for, and that WeChat makes."""
    router, runs, attempts = Router(), list[str](), Attempts()

    @router.text
    async def reply_after(message: TextMessage) -> reply.Text:
        runs.append(message.content)
        for _ in range(int(message.content)):
            await attempts.next_ends(message.from_user)
        return reply.Text(message.content)

    async with (
        world(router, account=an_account(late_reply="retry_window")) as wechat,
        background(attempts.watch(wechat.sandbox)),
    ):
        results = await asyncio.gather(*(wechat.sandbox.text("shop", text, openid=f"o_{text}") for text in expected))
        await wechat.rig.until_settled(sum(expected.values()) + 3)  # and a note for each reply
        await wechat.until_decided()
        assert sorted(runs) == sorted(expected)
        assert [len(result.attempts) for result in results] == list(expected.values())
        assert [result.outcome for result in results] == [*[Outcome.REPLIED] * 3, Outcome.ACKNOWLEDGED]
        assert [result.shown for result in results] == ["0", "1", "2", None]
        assert wechat.rig.wechat.sent == [("o_3", reply.Text("3"))]
        assert (wechat.answers("retry"), wechat.answers("timeout")) == (5, 1)


async def test_replies_are_shown_in_every_mode(world: Open) -> None:
    """The first reply is the answer to WeChat, the others go by customer service; late ones all do."""
    router, attempts = Router(), Attempts()

    @router.text
    async def two(message: TextMessage) -> list[reply.Text]:
        if message.content == "late":
            await attempts.next_ends(message.from_user)
        return [reply.Text(message.content), reply.Text("more")]

    async with world(router, account=an_account()) as wechat, background(attempts.watch(wechat.sandbox)):

        async def user(content: str, mode: Mode) -> SendResult:
            fields, openid = {"Content": content}, f"o_{content}_{mode}"
            return await wechat.sandbox.send(SendRequest(account="shop", openid=openid, fields=fields, mode=mode))

        quick = [user("quick", mode) for mode in Mode]
        late = [user("late", mode) for mode in Mode]
        results = await asyncio.gather(*quick, *late)
        assert [result.outcome for result in results] == [*[Outcome.REPLIED] * 3, *[Outcome.ACKNOWLEDGED] * 3]
        assert [result.shown for result in results] == [*["quick"] * 3, *[None] * 3]
        await wechat.rig.until_settled(9)  # and a note for each reply
        await wechat.until_decided()
        sent: dict[str, list[str]] = {}
        for openid, one in wechat.rig.wechat.sent:
            assert isinstance(one, reply.Text)
            sent.setdefault(openid, []).append(one.content)
        after = {"quick": ["more"], "late": ["late", "more"]}
        assert sent == {f"o_{content}_{mode}": texts for content, texts in after.items() for mode in Mode}


async def test_a_lost_connection_ends_the_waiting(world: Open, amqp_url: str) -> None:
    """If the answer is lost with the connection, WeChat gets `success` and the user the reply."""
    router, running, go_on = Router(), asyncio.Event(), asyncio.Event()

    @router.text
    async def wait(message: TextMessage) -> reply.Text:
        running.set()
        await go_on.wait()
        return reply.Text(message.content)

    async with (
        proxied(amqp_url) as (proxy, url),
        world(router, account=an_account(), ingress_amqp_url=url) as wechat,
    ):
        pushing = asyncio.create_task(wechat.sandbox.text("shop", "hello"))
        await running.wait()
        await proxy.refuse()
        result = await pushing
        assert (result.outcome, len(result.attempts)) == (Outcome.ACKNOWLEDGED, 1)
        go_on.set()
        await wechat.rig.until_settled(1)
        await wechat.until_decided()
        assert wechat.rig.wechat.texts == ["hello"]
        await proxy.listen()


@pytest.fixture
async def carrier(world: Open) -> AsyncIterator[Whole]:
    """A carrier with answers for all events but one."""
    router = Router()

    @router.event("add_waybill")
    async def add(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({"WayBillID": "88", "Fee": 3.5})

    @router.event("transport_cancel_order")
    async def cancel(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({"deduct_fee": 5})

    @router.event("xpay_goods_deliver_notify")
    async def deliver(_event: Event) -> reply.EventResponse:
        return reply.EventResponse({})

    @router.event("get_quota")
    async def broken(_event: Event) -> reply.EventResponse:
        raise RetryLater("the carrier is unavailable")

    async with world(router, account=an_account()) as wechat:
        yield wechat


async def test_events_get_the_answers_of_their_handlers(carrier: Whole) -> None:
    """In the format of the push, encrypted; a failed handler answers a failure, an unhandled event is acknowledged."""
    expected = {
        "add_waybill": {"ResultCode": "0", "WayBillID": "88", "Fee": "3.5"},
        "transport_cancel_order": {"resultcode": "0", "deduct_fee": "5"},
        "xpay_goods_deliver_notify": {"ErrCode": "0", "ErrMsg": "success"},
        "get_quota": {"ResultCode": "-1"},
        "xpay_refund_notify": None,
    }

    forms: tuple[Literal["xml", "json"], ...] = ("xml", "json")

    async def pushed(event: str, form: Literal["xml", "json"]) -> None:
        fields = {"OutTradeNo": f"{event}-{form}", "Token": form}
        request = SendRequest(account="shop", event=event, fields=fields, mode=Mode.SECURE, format=form)
        result = await carrier.sandbox.send(request)
        assert (result.outcome, len(result.attempts)) == (Outcome.ACKNOWLEDGED, 1), result
        wanted = expected[event]
        if wanted is None:
            assert result.attempts[0].body == "success"
        else:
            assert result.reply is not None
            assert wanted.items() <= result.reply.items()

    await asyncio.gather(*(pushed(event, form) for event in expected for form in forms))


async def test_a_repeated_event_gets_the_same_answer(carrier: Whole) -> None:
    """The handler does not run again."""
    message = {"ToUserName": "gh", "FromUserName": "w", "CreateTime": 5, "MsgType": "event", "Event": "add_waybill"}
    twice = SendRequest(account="shop", message={**message, "Token": "t"}, copies=2)
    result = await carrier.sandbox.send(twice)
    assert [attempt.outcome for attempt in result.attempts] == [Outcome.ACKNOWLEDGED] * 2
    assert result.reply is not None
    assert result.reply["WayBillID"] == "88"
    assert counted(carrier.rig.metrics.duplicates) == 1
