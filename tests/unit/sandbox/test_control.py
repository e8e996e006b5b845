"""The control API, with which tests and demos control the sandbox."""

import asyncio

import aiohttp
import pytest

from tests.support.sandbox import World
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.models import Fault

USER = "oUser0000000000000000000001"
SEND_PATH = "/cgi-bin/message/custom/send"


async def test_waiting_ends_with_the_last_message(world: World) -> None:
    """`sent` returns as soon as the wanted number of messages was sent."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.text("shop", "hi", openid="oOther")
    client = world.client("shop")

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(world.control.sent(openid=USER, count=2, wait=60))
        await client.send(USER, reply.Text("one"))
        await client.send("oOther", reply.Text("other"))
        await client.send(USER, reply.Text("two"))

    assert [sent.content for sent in waiting.result()] == ["one", "two"]


async def test_waiting_ends_with_the_time_limit(world: World) -> None:
    """After the time limit `sent` returns the messages there are."""
    assert await world.control.sent(openid=USER, count=1, wait=0.01) == []


async def test_sent_messages_are_filtered_by_time(world: World) -> None:
    """`since` refers to the sandbox's clock."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.advance(10)
    await client.send(USER, reply.Text("two"))
    later = (await world.control.sent(openid=USER))[1].time
    assert [sent.content for sent in await world.control.sent(openid=USER, since=later)] == ["two"]
    assert await world.control.sent(account="mini") == []


async def test_faults_apply_in_order_and_end(world: World) -> None:
    """Faults apply in the order in which they were added, each to its path and for its number of calls."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=45015, times=2))
    await world.control.fault(Fault(path=SEND_PATH, errcode=45047, errmsg="own text"))
    client = world.client("shop")
    seen = []
    for _ in range(4):
        try:
            await client.send(USER, reply.Text("x"))
            seen.append((0, ""))
        except WeChatError as error:
            seen.append((error.errcode, error.errmsg.split(" rid: ")[0]))
    assert [errcode for errcode, _ in seen] == [45015, 45015, 45047, 0]
    assert seen[2][1] == "own text"


async def test_a_fault_can_follow_the_effect(world: World) -> None:
    """The message is delivered although its sender gets an error."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=48001, effect=True))
    with pytest.raises(WeChatError):
        await world.client("shop").send(USER, reply.Text("x"))
    assert len(await world.control.sent(openid=USER)) == 1


async def test_a_reset_clears_all_state(world: World) -> None:
    """A reset clears tokens, messages, users, faults and the clock."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("x"))
    await world.control.advance(100)
    await world.control.fault(Fault(path=SEND_PATH, delay=3600, times=2))

    await world.control.reset()

    assert await world.control.sent() == []
    assert await world.control.pushes() == []
    assert await world.control.token_counts() == {}
    assert world.sandbox.faults.remaining(SEND_PATH) == 0
    assert world.clock.now() == world.clock.wall()
    with pytest.raises(WeChatError, match="45015"):
        await client.send(USER, reply.Text("x"))
    assert len(world.tokens.reports) == 1


async def test_a_reset_of_faults_ends_delays(world: World) -> None:
    """Delayed calls continue, so that no delay blocks the end of the sandbox."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.typing(USER)
    await world.control.fault(Fault(path=SEND_PATH, delay=3600))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.send(USER, reply.Text("x")))
        while world.sandbox.faults.remaining(SEND_PATH):
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
        ("/sandbox/send", b'{"account":"nobody"}', "known accounts: shop"),
        ("/sandbox/faults", b'{"path":"/sandbox/send","status":500}', "path"),
        ("/sandbox/faults", b'{"path":"/cgi-bin/token"}', "give errcode, status, delay or disconnect"),
        ("/sandbox/tokens/invalidate", b'{"appid":"wxnobody"}', "no account"),
        ("/sandbox/login", b'{"account":"nobody"}', "no account"),
        ("/sandbox/verify", b'{"account":"keyless"}', "no token"),
        ("/sandbox/clock", b'{"advance":-1}', "advance"),
    ],
)
async def test_invalid_requests_are_errors(world: World, path: str, body: bytes, problem: str) -> None:
    """The status is 400 or 404, and the error names the field."""
    async with aiohttp.ClientSession() as session, session.post(world.url + path, data=body) as response:
        answer = await response.json()
    assert response.status in {400, 404}
    assert problem in answer["error"]


async def test_invalid_numbers_in_queries_are_errors(world: World) -> None:
    """An invalid number in a query gets status 400."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(world.url + "/sandbox/sent", params={"since": "yesterday"}) as response,
    ):
        assert response.status == 400


async def test_a_sandbox_that_does_not_answer_is_an_error(unused_tcp_port: int) -> None:
    """All methods of the client raise the same error."""
    async with SandboxClient.open(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(SandboxFailure, match="does not answer"):
            await client.reset()


async def test_other_names_of_the_host_are_refused(world: World) -> None:
    """The page and the control API answer for addresses, localhost and the named hosts only (DNS rebinding)."""
    port = world.url.rsplit(":", 1)[1]
    known = ("127.0.0.1", f"127.0.0.1:{port}", f"[::1]:{port}", f"localhost:{port}", "page.localhost", "sandbox.test")
    other = ("evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example", "[", "")
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/sandbox/about", "/sandbox/sent"):
            for hosts, status in ((known, 200), (other, 403)):
                for host in hosts:
                    async with http.get(world.url + path, headers={"Host": host}) as answer:
                        assert answer.status == status, (path, host)
        # WeChat's API is called by any name: the services of a compose file call http://sandbox:8082.
        async with http.get(f"{world.url}/cgi-bin/token", headers={"Host": "sandbox:8082"}) as answer:
            assert (answer.status, (await answer.json())["errcode"]) == (200, 40002)
