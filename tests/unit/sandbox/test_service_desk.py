"""Humans answer users in WeChat's customer-service tool (protocol reference 4.3)."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.support.sandbox import NOW, World, event_of
from tests.unit.sandbox.test_validator import USER, passive, push, replying, with_fields
from wxbus.wechat import reply
from wxbus.wechat.events.service import CustomerServiceCloseSessionEvent, CustomerServiceCreateSessionEvent
from wxbus_sandbox.models import Outcome

TRANSFER = with_fields(MsgType="transfer_customer_service", Content=None)
NO_SESSION: dict[str, list[object]] = {"agents": [], "waiting": [], "sessions": []}


async def ask(world: World, action: str, status: int = 200, **body: object) -> dict[str, object]:
    """Return the answer of the control API, which has this status."""
    path = f"{world.url}/sandbox/customer_service/{action}"
    async with (
        aiohttp.ClientSession() as http,
        http.post(path, json={"openid": USER, "account": "shop", **body}) as answer,
    ):
        assert answer.status == status, await answer.text()
        return dict(await answer.json())


async def conversations(world: World, account: str = "shop") -> dict[str, object]:
    """Return what humans see."""
    url = f"{world.url}/sandbox/customer_service"
    async with aiohttp.ClientSession() as http, http.get(url, params={"account": account}) as answer:
        return dict(await answer.json())


async def test_a_human_takes_over_and_gives_back(world: World) -> None:
    """A transferred user waits; pushes stop while a human has the conversation, except events, and go on after it."""
    assert await conversations(world) == NO_SESSION
    assert (await push(world, replying(world, TRANSFER), fields={"Content": "help"})).outcome is Outcome.TRANSFERRED
    assert (await conversations(world))["waiting"] == [{"openid": USER, "since": NOW}]
    assert (await push(world, fields={"Content": "hello?"})).outcome is Outcome.ACKNOWLEDGED, "pushes go on"
    assert await ask(world, "accept") == {"agent": "kf1@shop"}
    assert (await event_of(world, CustomerServiceCreateSessionEvent, "kf_create_session")).kf_account == "kf1@shop"
    found = await conversations(world)
    assert (found["waiting"], found["sessions"]) == ([], [{"openid": USER, "agent": "kf1@shop", "since": NOW}])
    pushed = len(world.ingress.received)
    taken = await push(world, fields={"Content": "to the human"})
    assert (taken.outcome, taken.attempts, len(world.ingress.received)) == (Outcome.TRANSFERRED, (), pushed)
    await push(world, event="CLICK", fields={"EventKey": "help"})
    assert len(world.ingress.received) == pushed + 1, "events are pushed"
    await ask(world, "answer", content={"content": "How can I help?"})
    (sent,) = await world.control.sent(openid=USER)
    assert (sent.content, sent.agent) == ("How can I help?", "kf1@shop")
    await ask(world, "close")
    assert (await event_of(world, CustomerServiceCloseSessionEvent, "kf_close_session")).kf_account == "kf1@shop"
    assert (await push(world, fields={"Content": "again"})).outcome is Outcome.ACKNOWLEDGED
    start = datetime.fromtimestamp(NOW, UTC)
    page = await world.client("shop").customer_service_sessions.records(start, start + timedelta(hours=1))
    assert [(record.text, record.opercode) for record in page.records] == [
        ("help", 2003),
        ("to the human", 2003),
        ("How can I help?", 2002),
    ]


async def test_a_reply_can_name_the_agent(world: World) -> None:
    """`TransInfo` hands the user to that agent at once."""
    accounts = world.client("shop").customer_service_accounts
    await accounts.add("ann@shop", "Ann")
    await accounts.invite("ann@shop", "ann")
    await push(world, replying(world, passive(reply.TransferToCustomerService("ann@shop"))))
    assert (await conversations(world))["sessions"] == [{"openid": USER, "agent": "ann@shop", "since": NOW}]


async def test_an_open_conversation_returns_to_pushes_after_half_an_hour(world: World) -> None:
    """A human who forgets to close it does not keep the user's messages for ever."""
    await ask(world, "accept")
    assert not (await push(world)).attempts
    await world.control.advance(1801)
    assert (await push(world)).attempts


async def test_the_api_knows_who_waits(world: World) -> None:
    """`getwaitcase` lists the transferred users, and `create` of the API takes one."""
    sessions = world.client("shop").customer_service_sessions
    await push(world, replying(world, TRANSFER))
    waiting = await sessions.waiting()
    assert (waiting.count, [user.openid for user in waiting.users]) == (1, [USER])
    accounts = world.client("shop").customer_service_accounts
    await accounts.add("ann@shop", "Ann")
    await accounts.invite("ann@shop", "ann")
    await sessions.create("ann@shop", USER)
    assert (await sessions.waiting()).count == 0


@pytest.mark.parametrize("action", ["answer", "close"])
async def test_without_a_conversation_a_human_cannot_write(world: World, action: str) -> None:
    """The error says what to do first."""
    more = {"content": {"content": "hi"}} if action == "answer" else {}
    assert "accept it first" in str((await ask(world, action, 409, **more))["error"])


async def test_a_mini_program_gets_no_events_of_conversations(world: World) -> None:
    """Its users are transferred in the same way, without `kf_create_session` (protocol reference 6.2)."""
    await push(world, replying(world, TRANSFER, account="mini"), account="mini")
    await ask(world, "accept", account="mini")
    await ask(world, "close", account="mini")
    assert [push.message["MsgType"] for push in await world.control.pushes(account="mini")] == ["text"]
