"""Who may be written to, when, how often (protocol reference 9.1)."""

import pytest

from tests.support.sandbox import World, a_world, answering
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.models import SendRequest
from wxbus_sandbox.settings import Rules

USER = "oUser0000000000000000000001"


async def send(world: World, account: str, openid: str = USER) -> int:
    """Send a text; the errcode it was refused with, or 0."""
    try:
        await world.client(account).send(openid, reply.Text("x"))
    except WeChatError as error:
        return error.errcode
    return 0


async def act(world: World, account: str, event: str | None = None, openid: str = USER) -> None:
    """Let a user write, or do something else."""
    await world.control.send(SendRequest(account=account, openid=openid, event=event, fields={"Content": "x"}))


async def test_who_never_wrote_cannot_be_written_to(world: World) -> None:
    """45015, by default."""
    assert await send(world, "shop") == 45015


@pytest.mark.parametrize(
    ("account", "event", "count", "seconds"),
    [
        ("shop", None, 5, 48 * 3600),
        ("shop", "CLICK", 3, 60),
        ("shop", "scancode_push", 3, 60),
        ("shop", "scancode_waitmsg", 3, 60),
        ("shop", "subscribe", 3, 60),
        ("shop", "SCAN", 3, 60),
        ("mini", None, 5, 48 * 3600),
        ("mini", "user_enter_tempsession", 2, 60),
    ],
)
async def test_each_action_opens_its_window(
    world: World, account: str, event: str | None, count: int, seconds: float
) -> None:
    """So many messages (then 45047) for so long (then 45015); the next action opens it anew."""
    await act(world, account, event)
    assert [await send(world, account) for _ in range(count + 1)] == [0] * count + [45047]
    await act(world, account, event)
    await world.control.advance(seconds - 1)
    assert await send(world, account) == 0
    await world.control.advance(1)
    assert await send(world, account) == 45015


@pytest.mark.parametrize(("account", "event"), [("shop", "VIEW"), ("shop", "LOCATION"), ("mini", "CLICK")])
async def test_other_events_open_nothing(world: World, account: str, event: str) -> None:
    """Only the actions of the table count, each for its kind of account."""
    await act(world, account, event)
    assert await send(world, account) == 45015


async def test_windows_add_up(world: World) -> None:
    """The one that closes first pays first, so that a click does not cost what a message earned."""
    await act(world, "shop")
    await act(world, "shop", "CLICK")
    assert [await send(world, "shop") for _ in range(3)] == [0] * 3
    await world.control.advance(60)
    assert [await send(world, "shop") for _ in range(6)] == [0] * 5 + [45047]


async def test_who_left_cannot_be_written_to(world: World) -> None:
    """40003 after unsubscribe; who follows again begins anew, with what following opens."""
    await act(world, "shop")
    await act(world, "shop", "unsubscribe")
    assert await send(world, "shop") == 40003
    await act(world, "shop", "subscribe")
    assert [await send(world, "shop") for _ in range(4)] == [0] * 3 + [45047]


@pytest.mark.parametrize("openid", ["", "bad id", "x123", "o" * 100])
async def test_what_is_no_openid_is_refused(world: World, openid: str) -> None:
    """40003."""
    assert await send(world, "shop", openid) == 40003


async def test_another_accounts_user_is_refused(world: World) -> None:
    """An openid is good for one account only (40003)."""
    await act(world, "mini")
    assert await send(world, "shop") == 40003


async def test_a_refused_message_costs_nothing(world: World) -> None:
    """A mistake in the message does not use up the allowance."""
    await act(world, "mini")
    with pytest.raises(WeChatError, match="48008"):
        await world.client("mini").send(USER, reply.Voice("m"))
    assert [await send(world, "mini") for _ in range(6)] == [0] * 5 + [45047]


async def test_a_pushs_retries_are_no_actions(world: World) -> None:
    """One message, pushed three times, earns one allowance, and it is there although no push succeeded."""
    world.ingress.answers.extend([answering("", 500)] * 3)
    await act(world, "shop")
    assert len(world.ingress.received) == 3
    assert [await send(world, "shop") for _ in range(6)] == [0] * 5 + [45047]


async def test_windows_can_be_switched_off() -> None:
    """A setting, for those whom they hinder; openids are checked all the same."""
    async with a_world(Rules(enforce_windows=False)) as world:
        assert await send(world, "shop") == 0
        assert await send(world, "shop", "nobody") == 40003


async def test_durations_are_settings() -> None:
    """WeChat changes its numbers."""
    async with a_world(Rules(message_window=10, message_allowance=1)) as world:
        await act(world, "shop")
        assert [await send(world, "shop"), await send(world, "shop")] == [0, 45047]
        await world.control.advance(10)
        assert await send(world, "shop") == 45015
