"""A bad day of WeChat's: each trouble does what WeChat does, and the same seed gives the same troubles."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from tests.support.sandbox import ACCOUNTS, NOW, World, an_account
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import WeChatError, WxbusError
from wxbus.wechat import reply
from wxbus.wechat.callbacks.keys import CallbackKey
from wxbus.wechat.crypto.cipher import Cipher
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.models import BAD_DAY, BadDay, Outcome, Trouble
from wxbus_sandbox.pushes.encoder import PushEncoder

USER = "oUser0000000000000000000001"
SEND = "/cgi-bin/message/custom/send"


async def played(world: World, openids: Iterable[str]) -> list[tuple[object, ...]]:
    """Let users write and receive, one after the other; return what happened."""
    seen: list[tuple[object, ...]] = []
    for openid in openids:
        result = await world.control.text("shop", "hi", openid=openid)
        seen.append(tuple((attempt.outcome, attempt.reason) for attempt in result.attempts))
        try:
            await world.client("shop").send(openid, reply.Text("x"))
        except WxbusError as exc:
            seen.append((type(exc).__name__,))
    return [*seen, ((await world.control.bad_day()).happened,)]


async def test_the_same_seed_gives_the_same_troubles(world: World) -> None:
    """The same seed gives each user the same day, whatever other users do; another seed gives another day."""
    unshared = {Trouble.SLOW, Trouble.DISORDER}
    shares: dict[Trouble, float] = {trouble: 0.3 for trouble in Trouble if trouble not in unshared}
    users = [f"oUser{number % 3}" for number in range(12)]
    days = []
    for seed in (7, 7, 8):
        await world.control.reset()
        world.tokens.forget()
        await world.control.begin_bad_day(BadDay(seed=seed, troubles=shares))
        days.append(await played(world, users))
    assert days[0] == days[1]
    assert days[0] != days[2]
    assert {Trouble.BUSY, Trouble.LOST, Trouble.REPEATS} <= days[0][-1][0].keys()  # type: ignore[attr-defined]

    # Draws depend on the user alone.
    drawn = world.sandbox.bad_days
    drawn.begin(BadDay(seed=7, troubles={Trouble.BUSY: 0.5}))
    alone = [drawn.draw(Trouble.BUSY, "a") for _ in range(20)]
    drawn.begin(BadDay(seed=7, troubles={Trouble.BUSY: 0.5}))
    assert [(drawn.draw(Trouble.BUSY, "b"), drawn.draw(Trouble.BUSY, "a"))[1] for _ in range(20)] == alone
    assert 4 < sum(map(bool, alone)) < 16


async def test_calls_fail_as_wechat_lets_them_fail(world: World) -> None:
    """Each trouble of calls has WeChat's errcode; a lost answer has its effect, a closed connection has none."""
    await world.control.text("shop", "hi", openid=USER)
    client = world.client("shop")
    await client.send(USER, reply.Text("first"))
    for trouble, errcode in (
        (Trouble.BUSY, -1),
        (Trouble.QUOTA, 45009),
        (Trouble.WINDOW, 45015),
        (Trouble.ALLOWANCE, 45047),
    ):
        await world.control.begin_bad_day(BadDay(troubles={trouble: 1}))
        with pytest.raises(WeChatError) as caught:
            await client.send(USER, reply.Text("x"))
        assert caught.value.errcode == errcode
        assert (await world.control.bad_day()).happened[trouble] >= 1
    assert len(await world.control.sent(openid=USER)) == 1

    for trouble, effect in ((Trouble.CLOSED, False), (Trouble.LOST, True)):
        before = len(await world.control.sent(openid=USER))
        await world.control.begin_bad_day(BadDay(troubles={trouble: 1}))
        with pytest.raises(WxbusError):
            await client.send(USER, reply.Text("x"))
        assert (len(await world.control.sent(openid=USER)) > before) is effect

    await world.control.text("shop", "a new window", openid=USER)
    await world.control.begin_bad_day(BadDay(seed=1, troubles={Trouble.TOKENS: 0.5}))
    reports = len(world.tokens.reports)
    for _ in range(4):
        with suppress(WeChatError):  # the new token can be invalid, too
            await client.send(USER, reply.Text("x"))
    assert len(world.tokens.reports) > reports
    await world.control.begin_bad_day(BadDay(troubles={Trouble.SLOW: 1}, seconds=600))
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(client.send(USER, reply.Text("slow")))
        while not (await world.control.bad_day()).happened:  # noqa: ASYNC110 - another connection's
            await asyncio.sleep(0.01)
        assert not slow.done()
        await world.control._call("DELETE", "/sandbox/faults")  # ends delays
        await world.control.end_bad_day()
    assert (await world.control.sent(openid=USER))[-1].content == "slow"


async def test_pushes_are_disturbed_as_wechats(world: World) -> None:
    """Pushes come three times, again after a lost answer, with a wrong clock, late, or with another key."""
    control, received = world.control, world.ingress.received

    await control.begin_bad_day(BadDay(troubles={Trouble.REPEATS: 1}))
    result = await control.text("shop", "hi", openid=USER)
    assert [attempt.copy_number for attempt in result.attempts] == [1, 2, 3]
    assert {one.opened.document["MsgId"] for one in received} == {result.msg_id}

    await control.begin_bad_day(BadDay(troubles={Trouble.LOST: 1}))
    result = await control.text("shop", "hi", openid=USER)
    assert (result.outcome, len(result.attempts), len(received)) == (Outcome.FAILED, 3, 6)
    assert all(attempt.reason.endswith(BAD_DAY) for attempt in result.attempts)

    await control.begin_bad_day(BadDay(troubles={Trouble.CLOSED: 1}))
    assert (await control.text("shop", "hi", openid=USER)).outcome is Outcome.FAILED

    await control.begin_bad_day(BadDay(troubles={Trouble.CLOCK: 1}))
    for _ in range(4):
        await control.text("shop", "skewed", openid=USER)
    # Attempts that were closed before can still arrive.
    skewed = [one for one in received if one.opened.document["Content"] == "skewed"]
    skews = [int(one.query.timestamp or 0) - NOW for one in skewed]
    assert len(set(skews)) == 4
    assert all(-240 <= skew <= 240 for skew in skews)

    received.clear()
    await control.begin_bad_day(BadDay(seed=3, troubles={Trouble.DISORDER: 0.5}, seconds=600))
    draws = world.sandbox.bad_days
    late = next(user for user in (f"oUser{n}" for n in range(99)) if draws.draw(Trouble.DISORDER, user))
    draws.begin(draws.day)
    in_time = next(user for user in (f"oUser{n}" for n in range(99)) if not draws.draw(Trouble.DISORDER, user))
    draws.begin(draws.day)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(control.text("shop", "first", openid=late))
        while not draws.state().happened:  # noqa: ASYNC110 - another connection's
            await asyncio.sleep(0.01)
        await control.text("shop", "second", openid=in_time)
        assert not first.done()
        world.sandbox.faults.reset()
    assert [one.opened.document["Content"] for one in received] == ["second", "first"]

    await control.begin_bad_day(BadDay(troubles={Trouble.KEY: 1}))
    result = await control.text("shop", "hi", openid=USER)
    assert (result.outcome, result.attempts[0].status) == (Outcome.FAILED, 500)  # the fake ingress cannot decrypt it
    assert (await control.end_bad_day()).happened == {Trouble.KEY: 1}
    assert (await control.text("shop", "hi", openid=USER)).outcome is Outcome.ACKNOWLEDGED


def test_the_other_key_is_the_previous_one() -> None:
    """During a change of keys WeChat goes on with the previous one, which ingress accepts (protocol reference 2.2)."""
    previous = "A" * 43

    def key_of(account: Account) -> str:
        cipher = PushEncoder(account, wrong_key=True).cipher
        assert cipher is not None
        return Cipher(previous, account.appid).decrypt(cipher.encrypt(b"hi")).decode()

    keys = (CallbackKey.model_validate({"token": "old", "aes_key": previous}),)
    assert key_of(an_account("two", AccountKind.OFFICIAL_ACCOUNT, previous_keys=keys)) == "hi"
    unknown = PushEncoder(ACCOUNTS.named("shop"), wrong_key=True).cipher
    known = PushEncoder(ACCOUNTS.named("shop")).cipher
    assert unknown is not None
    assert known is not None
    with pytest.raises(WxbusError):
        known.decrypt(unknown.encrypt(b"hi"))


async def test_the_command_begins_shows_and_ends_it(world: World) -> None:
    """The command names wrong troubles and shares; it shows what happened; tokens are invalid at once."""

    async def run(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, cli, ["bad-day", "--url", world.url, *arguments])
        return result.exit_code, result.output

    assert await run() == (0, "no bad day\n")
    code, output = await run("busy=0.25", "repeats", "--seed", "7", "--seconds", "2")
    assert (code, output.splitlines()) == (
        0,
        [
            "bad day with seed 7, delays up to 2 s",
            "  busy       25%  happened 0 times",
            "  repeats   100%  happened 0 times",
        ],
    )
    await world.control.text("shop", "hi", openid=USER)
    assert "  repeats   100%  happened 1 times" in (await run())[1]
    assert (await run("--off"))[1].splitlines()[-1] == "the bad day has ended"
    assert not (await world.control.bad_day()).troubles
    for argument, reason in (("wrong", "there is no such trouble"), ("busy=2", "less than or equal to 1")):
        code, output = await run(argument)
        assert (code, reason in output) == (2, True), output

    token = await world.tokens.get("wxshop")
    assert (await run("--invalidate", "shop")) == (0, "the tokens of shop are invalid\n")
    with pytest.raises(WxbusError):
        world.sandbox.tokens.appid_of(token)
    assert (await run("--invalidate", "nobody"))[0] == 1
    with pytest.raises(SandboxFailure, match="seconds"):
        await world.control._call("PUT", "/sandbox/bad_day", body=b'{"seconds": 0}')
