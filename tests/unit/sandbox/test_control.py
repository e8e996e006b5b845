"""The control API: what tests and demos steer the sandbox with."""

import asyncio

import aiohttp
import pytest

from tests.support.sandbox import AES_KEY, SECRET, TOKEN, World
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.control.client import SandboxClient, SandboxFailure
from wxbus_sandbox.models import Fault

USER = "oUser0000000000000000000001"
SEND_PATH = "/cgi-bin/message/custom/send"


async def test_waiting_ends_with_the_message(world: World) -> None:
    """Nobody needs to poll: the answer comes when the last of the messages waited for does."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.text("shop", "hi", openid="oOther")
    client = world.client("shop")

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(world.control.sent(openid=USER, count=2, wait=60))
        await client.send(USER, reply.Text("one"))
        await client.send("oOther", reply.Text("other"))
        await client.send(USER, reply.Text("two"))

    assert [sent.content for sent in waiting.result()] == ["one", "two"]


async def test_waiting_in_vain_ends_with_what_there_is(world: World) -> None:
    """When the time is over."""
    assert await world.control.sent(openid=USER, count=1, wait=0.01) == []


async def test_sent_messages_can_be_looked_at_from_a_time_on(world: World) -> None:
    """By the sandbox's clock."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.advance(10)
    await client.send(USER, reply.Text("two"))
    later = (await world.control.sent(openid=USER))[1].time
    assert [sent.content for sent in await world.control.sent(openid=USER, since=later)] == ["two"]
    assert await world.control.sent(account="mini") == []


async def test_faults_befall_in_order_and_end(world: World) -> None:
    """The oldest first, each as often as it says, only its own path; then all is well."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=45015, times=2))
    await world.control.fault(Fault(path=SEND_PATH, errcode=45047, errmsg="own words"))
    client = world.client("shop")
    seen = []
    for _ in range(4):
        try:
            await client.send(USER, reply.Text("x"))
            seen.append((0, ""))
        except WeChatError as error:
            seen.append((error.errcode, error.errmsg.split(" rid: ")[0]))
    assert [errcode for errcode, _ in seen] == [45015, 45015, 45047, 0]
    assert seen[2][1] == "own words"


async def test_a_fault_may_come_after_the_effect(world: World) -> None:
    """The message is delivered, its sender is told that it was not: what outboxes have to live with."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=48001, effect=True))
    with pytest.raises(WeChatError):
        await world.client("shop").send(USER, reply.Text("x"))
    assert len(await world.control.sent(openid=USER)) == 1


async def test_a_reset_forgets_everything(world: World) -> None:
    """Tokens, messages, users, faults, the clock."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("x"))
    await world.control.advance(100)
    await world.control.fault(Fault(path=SEND_PATH, delay=3600, times=2))

    await world.control.reset()

    assert await world.control.sent() == []
    assert await world.control.pushes() == []
    assert await world.control.token_counts() == {}
    assert world.sandbox.faults.left(SEND_PATH) == 0
    assert world.clock.now() == world.clock.wall()
    with pytest.raises(WeChatError, match="45015"):
        await client.send(USER, reply.Text("x"))
    assert len(world.tokens.reports) == 1


async def test_a_delayed_call_goes_on_when_faults_are_dropped(world: World) -> None:
    """Nobody needs to wait for a delay to pass, and none holds up the sandbox's own end."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.typing(USER)
    await world.control.fault(Fault(path=SEND_PATH, delay=3600))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.send(USER, reply.Text("x")))
        while world.sandbox.faults.left(SEND_PATH):
            await world.control.token_counts()
        world.sandbox.faults.reset()
        await sending
    assert len(await world.control.sent(openid=USER)) == 1


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/sandbox/send", b"{", "body: Invalid JSON"),
        ("/sandbox/send", b"{}", "account: Field required"),
        ("/sandbox/send", b'{"account":"shop","copies":0}', "copies"),
        ("/sandbox/send", b'{"account":"shop","contents":"x"}', "contents"),
        ("/sandbox/send", b'{"account":"nobody"}', "there are: shop"),
        ("/sandbox/faults", b'{"path":"/sandbox/send","status":500}', "path"),
        ("/sandbox/faults", b'{"path":"/cgi-bin/token"}', "give errcode, status, delay or disconnect"),
        ("/sandbox/tokens/invalidate", b'{"appid":"wxnobody"}', "no account"),
        ("/sandbox/login", b'{"account":"nobody"}', "no account"),
        ("/sandbox/verify", b'{"account":"keyless"}', "no token"),
        ("/sandbox/clock", b'{"advance":-1}', "advance"),
    ],
)
async def test_requests_that_make_no_sense_are_told_why(world: World, path: str, body: bytes, problem: str) -> None:
    """400 or 404 with one line that names the field."""
    async with aiohttp.ClientSession() as session, session.post(world.url + path, data=body) as response:
        answer = await response.json()
    assert response.status in {400, 404}
    assert problem in answer["error"]


async def test_numbers_in_queries_are_numbers(world: World) -> None:
    """Not a stack trace."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(world.url + "/sandbox/sent", params={"since": "yesterday"}) as response,
    ):
        assert response.status == 400


async def test_the_page_shows_addresses_and_no_secret(world: World) -> None:
    """Whoever opens it sees the accounts and how to send a message."""
    async with aiohttp.ClientSession() as session, session.get(world.url) as response:
        page = await response.text()
    assert response.content_type == "text/html"
    assert "wxshop" in page
    assert "/cgi-bin/stable_token" in page
    for secret in (SECRET, AES_KEY, TOKEN):
        assert secret not in page


async def test_a_sandbox_that_is_not_there_says_so(unused_tcp_port: int) -> None:
    """One error for those who use the client."""
    async with SandboxClient.open(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(SandboxFailure, match="does not answer"):
            await client.reset()
