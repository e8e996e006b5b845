"""The samples of the guide to WebSockets work as the page shows."""

import types

import pytest

from tests.support.readme import ROOT, blocks
from wxbus.accounts.models import Account, AccountKind
from wxbus.messages.requests import SendRequest
from wxbus_worker import reply
from wxbus_worker.testing import HandlerClient

GUIDE = ROOT / "docs/how-to/sockets.md"


@pytest.fixture
def shop() -> types.ModuleType:
    """Run the Python samples of the page in one module."""
    module = types.ModuleType("shop")
    for block in blocks(GUIDE, "python"):
        exec(compile(block, "shop.py", "exec"), vars(module))  # noqa: S102 - our own page
    return module


async def test_the_handlers_of_the_page(shop: types.ModuleType) -> None:
    """Messages of sockets are signals with the prefix of sockets; pushes and groups are replies."""
    account = Account(name="mini", appid="wx1", kind=AccountKind.MINI_PROGRAM)
    async with HandlerClient(shop.router, account=account) as client:
        await client.signal("socket:cart.add", {"item": "tea"})
        result = await client.signal("socket:cart.add", {"item": "tea", "count": 2})
        entered = await client.signal("socket:room.enter")
        said = await client.signal("socket:room.say", {"item": "hello"})
        left = await client.signal("socket-disconnected", {"connection": "c1"})
        client.connected.add(client.openid)
        stayed = await client.signal("socket-disconnected", {"connection": "c2"})
    assert list(result.replies) == [reply.Push("cart", {"items": {"tea": 3}})]
    assert list(entered.replies) == [reply.JoinGroup("room"), reply.Push("entered")]
    assert list(said.replies) == [reply.Push("said", {"item": "hello"}, to_group="room")]
    assert list(left.replies) == [reply.LeaveGroup("room")]
    assert list(stayed.replies) == [], "the user is connected on another device"


def test_the_push_of_another_language() -> None:
    """The JSON of the page is a send request that pushes to a group."""
    (block,) = blocks(GUIDE, "json")
    request = SendRequest.model_validate_json(block)
    assert request.reply == reply.Push("news", {"text": "Line 2 is late."}, to_group="room")


async def test_the_class_of_the_page(shop: types.ModuleType) -> None:
    """Its methods get the opening, every message and the end of a connection."""
    account = Account(name="mini", appid="wx1", kind=AccountKind.MINI_PROGRAM)
    async with HandlerClient(shop.Chat(), account=account) as client:
        results = [
            await client.signal(name, data)
            for name, data in (("socket-connected", {}), ("socket:hello", {"text": "hi"}), ("socket-disconnected", {}))
        ]
    assert [list(result.replies) for result in results] == [
        [reply.Push("welcome")],
        [reply.Push("said", {"text": "hi"}, to_group="room")],
        [reply.LeaveGroup("room")],
    ]
