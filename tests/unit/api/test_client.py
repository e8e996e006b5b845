"""The client against the sandbox: what protocol reference 12 says to do about each errcode."""

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.support.sandbox import ACCOUNTS, Received, World, success
from wxbus.api import WeChatClient
from wxbus.api.calls import JITTER, READ_DELAYS, SEND_DELAYS
from wxbus.errors import TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus.wechat import reply
from wxbus_sandbox.models import Fault

SEND_PATH = "/cgi-bin/message/custom/send"
TYPING_PATH = "/cgi-bin/message/custom/typing"
USER = "oUser0000000000000000000001"


async def test_a_reply_reaches_the_user_as_it_was_written(world: World) -> None:
    """Text goes out as raw UTF-8: the sandbox, as WeChat, refuses escapes."""
    await world.control.text("shop", "hi", openid=USER)

    await world.client("shop").send(USER, reply.Text("你好 😀 \\u4f60"), kf_account="kf@shop")

    (sent,) = await world.control.sent(openid=USER)
    assert sent.content == "你好 😀 \\u4f60"
    assert sent.payload["customservice"] == {"kf_account": "kf@shop"}


async def test_an_expired_token_is_reported_once_and_the_call_repeated(world: World) -> None:
    """42001 costs one report and one repeat; the message arrives once."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.advance(7200)

    await client.send(USER, reply.Text("two"))

    assert len(world.tokens.reports) == 1
    assert [sent.content for sent in await world.control.sent(openid=USER)] == ["one", "two"]
    assert world.sleeps == []


async def test_a_stuck_token_is_replaced_by_the_source(world: World) -> None:
    """Where the normal call gives the dead token again, the answer to the report is what counts."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("one"))
    await world.control.invalidate_tokens("wxshop", stuck=True)

    await client.send(USER, reply.Text("two"))

    assert (await world.control.token_counts())["wxshop"].forced == 1


async def test_a_second_refusal_is_raised_and_not_looped(world: World) -> None:
    """A fresh token that is refused too shows a trouble that no repeat cures: report once, call twice."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=40001, times=5))

    with capture_logs() as logs, pytest.raises(WeChatError) as caught:
        await world.client("shop").send(USER, reply.Text("one"))

    assert caught.value.errcode == 40001
    assert len(world.tokens.reports) == 1
    assert world.sandbox.faults.left(SEND_PATH) == 3
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["wechat.fresh_token_rejected"]


async def test_no_token_means_no_call(world: World) -> None:
    """What the source raises goes to the caller as it is."""

    class Away:
        async def get(self, appid: str) -> str:
            raise TokenUnavailable(f"none for {appid}", retry_after=3)

        async def report_invalid(self, appid: str, token: str) -> str:
            raise AssertionError(f"reported {token} of {appid}")

    with pytest.raises(TokenUnavailable):
        await WeChatClient("wxshop", world.http, Away()).send(USER, reply.Text("one"))


async def test_a_busy_system_is_asked_again_within_bounds(world: World) -> None:
    """-1 on a harmless call: as many repeats as there are delays, each within its jitter, then the error."""
    await world.control.fault(Fault(path="/cgi-bin/media/upload", errcode=-1, times=10))

    with pytest.raises(WeChatError) as caught:
        await world.client("shop").upload_media("image", "a.png", b"png")

    assert caught.value.errcode == -1
    assert world.sandbox.faults.left("/cgi-bin/media/upload") == 10 - 1 - len(READ_DELAYS)
    for pause, delay in zip(world.sleeps, READ_DELAYS, strict=True):
        assert delay * (1 - JITTER) <= pause <= delay * (1 + JITTER)


async def test_a_send_is_repeated_at_most_once(world: World) -> None:
    """After -1 a message may have arrived: one repeat, no more."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=-1, times=10))

    with pytest.raises(WeChatError):
        await world.client("shop").send(USER, reply.Text("one"))

    assert world.sandbox.faults.left(SEND_PATH) == 8
    assert len(world.sleeps) == len(SEND_DELAYS) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(path=SEND_PATH, status=502), Fault(path=SEND_PATH, disconnect=True), Fault(path=SEND_PATH, errcode=-1)],
    ids=["5xx", "cut", "busy"],
)
async def test_a_send_that_failed_once_arrives_by_its_repeat(world: World, fault: Fault) -> None:
    """A passing failure is not the caller's trouble."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(fault)

    await world.client("shop").send(USER, reply.Text("one"))

    assert len(await world.control.sent(openid=USER)) == 1


async def test_a_send_without_an_answer_is_unavailable_after_one_repeat(world: World) -> None:
    """Two lost answers: the caller is told that nobody knows; each try may have arrived."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, disconnect=True, effect=True, times=2))

    with pytest.raises(WeChatUnavailable):
        await world.client("shop").send(USER, reply.Text("one"))

    assert len(await world.control.sent(openid=USER)) == 2


async def test_a_refresh_does_not_use_up_the_repeat(world: World) -> None:
    """A refused token proves that nothing was sent: the one repeat after an unknown outcome is still there."""
    await world.control.text("shop", "hi", openid=USER)
    for errcode in (42001, -1):
        await world.control.fault(Fault(path=SEND_PATH, errcode=errcode))

    await world.client("shop").send(USER, reply.Text("one"))

    assert len(await world.control.sent(openid=USER)) == 1


@pytest.mark.parametrize("errcode", [45015, 45047, 40003, 43101, 48001, 45009, 45011, 99999])
async def test_other_errcodes_are_raised_at_once(world: World, errcode: int) -> None:
    """DROP, STOP, WAIT and unknown codes are for the caller: no repeat, no new token."""
    await world.control.text("shop", "hi", openid=USER)
    await world.control.fault(Fault(path=SEND_PATH, errcode=errcode, times=2))

    with pytest.raises(WeChatError) as caught:
        await world.client("shop").send(USER, reply.Text("one"))

    assert caught.value.errcode == errcode
    assert world.sandbox.faults.left(SEND_PATH) == 1
    assert world.tokens.reports == []


async def test_a_message_that_was_sent_before_counts_as_sent(world: World) -> None:
    """45065 says that the same clientmsgid went out: that is success."""
    await world.control.fault(Fault(path=SEND_PATH, errcode=45065))

    await world.client("shop").send(USER, reply.Text("one"))


async def test_typing_twice_is_no_error(world: World) -> None:
    """That the hint is shown already (45081), or to nobody (45080), harms nobody."""
    client = world.client("shop")
    await client.typing(USER)
    await world.control.text("shop", "hi", openid=USER)

    await client.typing(USER)
    await client.typing(USER)
    await client.typing(USER, on=False)


async def test_a_reply_that_cannot_be_sent_says_so(world: World) -> None:
    """A transfer exists as a passive answer only: nothing goes out."""
    with pytest.raises(ValueError, match="transfer_customer_service"):
        await world.client("shop").send(USER, reply.TransferToCustomerService())


async def test_login_gives_the_session_once(world: World) -> None:
    """A code is good for one log-in; the second is told so and not repeated."""
    secret = ACCOUNTS.named("mini").secret
    assert secret is not None
    code = await world.control.js_code("mini", openid=USER)
    client = world.client("mini")

    login = await client.login(code, secret)
    with pytest.raises(WeChatError) as used:
        await client.login(code, secret)
    with pytest.raises(WeChatError) as unknown:
        await client.login("no-code", secret)

    assert login.openid == USER
    assert login.unionid
    assert login.session_key.get_secret_value() not in repr(login)
    assert (used.value.errcode, unknown.value.errcode) == (40163, 40029)


async def test_a_login_is_never_repeated(world: World) -> None:
    """A repeat after a lost answer would only say that the code is used."""
    secret = ACCOUNTS.named("mini").secret
    assert secret is not None
    await world.control.fault(Fault(path="/sns/jscode2session", errcode=-1, times=2))

    with pytest.raises(WeChatError):
        await world.client("mini").login("code", secret)

    assert world.sandbox.faults.left("/sns/jscode2session") == 1


async def test_the_sandbox_answers_pushes_while_clients_call(world: World) -> None:
    """A handler that replies before it answers the push works: neither waits for the other."""
    client = world.client("shop")

    async def reply_first(received: Received) -> web.StreamResponse:
        await client.send(USER, reply.Text("before the answer"))
        return await success(received)

    world.ingress.answers.append(reply_first)
    result = await world.control.text("shop", "hi", openid=USER)

    assert result.outcome == "acknowledged"
    assert len(await world.control.sent(openid=USER)) == 1


async def test_wechat_tells_where_callbacks_come_from(world: World) -> None:
    """The list comes as WeChat gives it, addresses and networks (protocol reference 11)."""
    assert await world.client("shop").callback_addresses() == ["127.0.0.1", "::1"]
