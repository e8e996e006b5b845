"""Message windows: when and how often an account may write to a user (protocol reference 9.1)."""

import pytest

from tests.support.sandbox import World, a_world, answering
from wxbus.errors import WeChatError
from wxbus.wechat import reply
from wxbus_sandbox.models import SendRequest
from wxbus_sandbox.settings import Rules

USER = "oUser0000000000000000000001"


async def send(world: World, account: str, openid: str = USER) -> int:
    """Send a text; return the errcode."""
    try:
        await world.client(account).send(openid, reply.Text("x"))
    except WeChatError as error:
        return error.errcode
    return 0


async def act(world: World, account: str, event: str | None = None, openid: str = USER) -> None:
    """Push a message or an event of a user."""
    await world.control.send(SendRequest(account=account, openid=openid, event=event, fields={"Content": "x"}))


async def test_a_user_without_actions_has_no_window(world: World) -> None:
    """A message to a user who has done nothing is refused with 45015."""
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
    """The window has a number of messages (then 45047) and a length (then 45015); each action renews it."""
    await act(world, account, event)
    assert [await send(world, account) for _ in range(count + 1)] == [0] * count + [45047]
    await act(world, account, event)
    await world.control.advance(seconds - 1)
    assert await send(world, account) == 0
    await world.control.advance(1)
    assert await send(world, account) == 45015


@pytest.mark.parametrize(("account", "event"), [("shop", "VIEW"), ("shop", "LOCATION"), ("mini", "CLICK")])
async def test_other_events_open_no_window(world: World, account: str, event: str) -> None:
    """Only the actions of 9.1 count, each for its kind of account."""
    await act(world, account, event)
    assert await send(world, account) == 45015


async def test_windows_add_up(world: World) -> None:
    """The window that closes first is used first."""
    await act(world, "shop")
    await act(world, "shop", "CLICK")
    assert [await send(world, "shop") for _ in range(3)] == [0] * 3
    await world.control.advance(60)
    assert [await send(world, "shop") for _ in range(6)] == [0] * 5 + [45047]


async def test_unsubscribed_users_are_rejected(world: World) -> None:
    """40003 after unsubscribe; a new subscription opens its own window."""
    await act(world, "shop")
    await act(world, "shop", "unsubscribe")
    assert await send(world, "shop") == 40003
    await act(world, "shop", "subscribe")
    assert [await send(world, "shop") for _ in range(4)] == [0] * 3 + [45047]


@pytest.mark.parametrize("openid", ["", "bad id", "x123", "o" * 100])
async def test_invalid_openids_are_rejected(world: World, openid: str) -> None:
    """A message to an invalid openid is refused with 40003."""
    assert await send(world, "shop", openid) == 40003


async def test_users_of_other_accounts_are_rejected(world: World) -> None:
    """An openid belongs to one account (40003)."""
    await act(world, "mini")
    assert await send(world, "shop") == 40003


async def test_a_rejected_message_does_not_count(world: World) -> None:
    """A mistake in a message does not use up the window."""
    await act(world, "mini")
    with pytest.raises(WeChatError, match="48008"):
        await world.client("mini").send(USER, reply.Voice("m"))
    assert [await send(world, "mini") for _ in range(6)] == [0] * 5 + [45047]


async def test_retries_of_a_push_are_one_action(world: World) -> None:
    """A message that is pushed three times without success opens its window once."""
    world.ingress.answers.extend([answering("", 500)] * 3)
    await act(world, "shop")
    assert len(world.ingress.received) == 3
    assert [await send(world, "shop") for _ in range(6)] == [0] * 5 + [45047]


async def test_windows_can_be_disabled() -> None:
    """A setting disables them; openids are still checked."""
    async with a_world(Rules(enforce_windows=False)) as world:
        assert await send(world, "shop") == 0
        assert await send(world, "shop", "nobody") == 40003


async def test_limits_are_settings() -> None:
    """The window's length and number of messages can be set."""
    async with a_world(Rules(message_window=10, message_allowance=1)) as world:
        await act(world, "shop")
        assert [await send(world, "shop"), await send(world, "shop")] == [0, 45047]
        await world.control.advance(10)
        assert await send(world, "shop") == 45015
