"""The client with the sandbox: retry policies of protocol reference 12."""

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.support.sandbox import Received, World, success
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.api.calls import DELAYS, JITTER, Repeat
from wxbus.errors import ServerBusy, TokenUnavailable, WeChatError, WeChatUnavailable, WeChatUnreachable
from wxbus.wechat import reply
from wxbus_sandbox.models import Fault

SEND_PATH = "/cgi-bin/message/custom/send"
TYPING_PATH = "/cgi-bin/message/custom/typing"
USER = "oUser0000000000000000000001"


async def test_a_reply_is_sent_unchanged(world: World) -> None:
    """Text is sent as raw UTF-8; like WeChat, the sandbox rejects escapes."""
    await world.control.text("shop", "hi", openid=USER)

    await world.client("shop").send(USER, reply.Text("你好 😀 \\u4f60"), kf_account="kf@shop")

    (sent,) = await world.control.sent(openid=USER)
    assert sent.content == "你好 😀 \\u4f60"
    assert sent.payload["customservice"] == {"kf_account": "kf@shop"}


async def test_an_expired_token_is_reported_once_and_the_call_retried(world: World) -> None:
    """42001 causes one report and one retry; the message arrives once."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.advance(7200)

    await client.send(USER, reply.Text("two"))

    assert len(world.tokens.reports) == 1
    assert [sent.content for sent in await world.control.sent(openid=USER)] == ["one", "two"]
    assert world.sleeps == []


async def test_a_stuck_token_is_replaced_by_the_source(world: World) -> None:
    """The client uses the token that the report returns."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.invalidate_tokens("wxshop", stuck=True)

    await client.send(USER, reply.Text("two"))

    assert (await world.control.token_counts())["wxshop"].forced == 1


async def test_a_second_rejection_is_raised(world: World) -> None:
    """If a fresh token is also rejected, the error is raised after one report and two calls."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=40001, times=5))

    with capture_logs() as logs, pytest.raises(WeChatError) as caught:
        await world.client("shop").send(USER, reply.Text("one"))

    assert caught.value.errcode == 40001
    assert len(world.tokens.reports) == 1
    assert world.sandbox.faults.remaining(SEND_PATH) == 3
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["wechat.fresh_token_rejected"]


async def test_no_token_means_no_call(world: World) -> None:
    """An error of the token source is raised unchanged."""

    class Away:
        async def get(self, appid: str) -> str:
            raise TokenUnavailable(f"none for {appid}", retry_after=3)

        async def report_invalid(self, appid: str, token: str) -> str:
            raise AssertionError(f"reported {token} of {appid}")

    with pytest.raises(TokenUnavailable):
        await WeChatClient("wxshop", world.http, Away()).send(USER, reply.Text("one"))


async def test_a_busy_system_is_retried_within_limits(world: World) -> None:
    """-1 on a read causes one retry per delay, with jitter, then the error."""
    await world.control.fault(Fault(path="/cgi-bin/media/upload", errcode=-1, times=10))

    with pytest.raises(WeChatError) as caught:
        await world.client("shop").upload_media("image", "a.png", b"png")

    assert caught.value.errcode == -1
    assert world.sandbox.faults.remaining("/cgi-bin/media/upload") == 10 - 1 - len(DELAYS[Repeat.READ])
    for pause, delay in zip(world.sleeps, DELAYS[Repeat.READ], strict=True):
        assert delay * (1 - JITTER) <= pause <= delay * (1 + JITTER)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=SEND_PATH, status=502, times=3),
        Fault(path=SEND_PATH, disconnect=True, effect=True, times=3),
        Fault(path=SEND_PATH, errcode=-1, times=3),
    ],
    ids=["5xx", "cut", "busy"],
)
async def test_a_send_with_an_unknown_outcome_is_not_repeated(world: World, fault: Fault) -> None:
    """After a lost answer, HTTP 5xx or -1 the message may have arrived: a repeat would send it twice."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(fault)

    with pytest.raises((ServerBusy, WeChatUnavailable)):
        await world.client("shop").send(USER, reply.Text("one"))

    assert world.sandbox.faults.remaining(SEND_PATH) == 2
    assert world.sleeps == []


async def test_a_send_that_wechat_surely_did_not_take_is_repeated(world: World) -> None:
    """43108 (another send to this user is running) is an answer: the message was not sent."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=43108))

    await world.client("shop").send(USER, reply.Text("one"))

    assert len(await world.control.sent(openid=USER)) == 1


async def test_a_send_without_a_connection_is_repeated(world: World, unused_tcp_port: int) -> None:
    """Without a connection nothing was sent; each repeat fails in the same way here."""
    async with WeChatHttp.open(f"http://127.0.0.1:{unused_tcp_port}") as http:
        client = WeChatClient("wxshop", http, world.tokens, sleep=world.client("shop")._calls._sleep)
        with pytest.raises(WeChatUnreachable):
            await client.send(USER, reply.Text("one"))

    assert len(world.sleeps) == len(DELAYS[Repeat.SEND])


@pytest.mark.parametrize("errcode", [45015, 45047, 40003, 43101, 48001, 45009, 45011, 99999])
async def test_other_errcodes_are_raised_at_once(world: World, errcode: int) -> None:
    """DROP, STOP, WAIT and unknown codes are raised without a retry or a new token."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=errcode, times=2))

    with pytest.raises(WeChatError) as caught:
        await world.client("shop").send(USER, reply.Text("one"))

    assert caught.value.errcode == errcode
    assert world.sandbox.faults.remaining(SEND_PATH) == 1
    assert world.tokens.reports == []


async def test_a_duplicate_send_is_a_success(world: World) -> None:
    """45065 means that the same clientmsgid was sent before, which is a success."""
    await world.control.fault(Fault(path=SEND_PATH, errcode=45065))

    await world.client("shop").send(USER, reply.Text("one"))


async def test_typing_twice_is_not_an_error(world: World) -> None:
    """45081 (shown already) and 45080 (user inactive) are not errors."""
    client = world.client("shop")
    await client.typing(USER)
    await world.control.text("shop", "hi", openid=USER)

    await client.typing(USER)
    await client.typing(USER)
    await client.typing(USER, on=False)


async def test_a_passive_only_reply_cannot_be_sent(world: World) -> None:
    """A transfer to customer service raises ValueError, and nothing is sent."""
    with pytest.raises(ValueError, match="transfer_customer_service"):
        await world.client("shop").send(USER, reply.TransferToCustomerService())


async def test_calls_during_a_push(world: World) -> None:
    """The sandbox serves calls while it waits for the response to a push."""
    client = world.client("shop")

    async def reply_first(received: Received) -> web.StreamResponse:
        await client.send(USER, reply.Text("before the answer"))
        return await success(received)

    world.ingress.answers.append(reply_first)
    result = await world.control.text("shop", "hi", openid=USER)

    assert result.outcome == "acknowledged"
    assert len(await world.control.sent(openid=USER)) == 1


async def test_callback_addresses(world: World) -> None:
    """The list is returned unchanged, with addresses and networks (protocol reference 11)."""
    assert await world.client("shop").network.callback_addresses() == ["127.0.0.1", "::1"]
