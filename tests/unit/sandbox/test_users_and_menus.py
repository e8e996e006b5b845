"""What was created with the API of users, tags, menus and QR codes can be read back."""

from typing import Any

import pytest

from tests.support.sandbox import World
from wxbus.api.endpoints.menu_buttons import KeyButton, MiniProgramButton, SubMenu, ViewButton
from wxbus.api.endpoints.menus import MatchRule
from wxbus.api.endpoints.users import UserQuery
from wxbus.errors import BadRequest, QuotaExceeded, WeChatError
from wxbus_sandbox.families import users as rules
from wxbus_sandbox.models import SendRequest

ALICE, BOB = "oAlice00000000000000000000001", "oBob0000000000000000000000001"


async def errcode_of(call: Any) -> int:
    """Return the errcode with which a call fails."""
    with pytest.raises(WeChatError) as caught:
        await call
    return caught.value.errcode


async def test_qr_codes(world: World) -> None:
    """A temporary code has a lifetime, a permanent one has none, and the same scene gives the same code."""
    codes = world.client("shop").qr_codes
    assert (await codes.create_temporary("a", expires_in=60)).expire_seconds == 60
    permanent = await codes.create_permanent("b")
    assert permanent.expire_seconds is None
    assert await codes.create_permanent("b") == permanent
    assert codes.picture_url("a+b") == "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=a%2Bb"


async def test_scenes_that_are_numbers(world: World) -> None:
    """A number has 32 bits, in a permanent code it is at most 100,000; events carry it as text."""
    codes = world.client("shop").qr_codes
    assert await codes.create_permanent_number(100_000) == await codes.create_permanent_number(100_000)
    for wrong in (0, 2**32):
        with pytest.raises(ValueError, match=r"create_temporary_number: .*(1|4294967295)"):
            await codes.create_temporary_number(wrong)
    with pytest.raises(ValueError, match=r"create_permanent_number: .*100000"):
        await codes.create_permanent_number(100_001)
    fields = {"Ticket": (await codes.create_temporary_number(2**32 - 1)).ticket}
    await world.control.send(SendRequest(account="shop", openid=ALICE, type="event", event="SCAN", fields=fields))
    assert world.ingress.received[-1].opened.document["EventKey"] == str(2**32 - 1)


async def test_a_scan_carries_the_scene_of_the_code(world: World) -> None:
    """The push of a user who scans a code names its scene; for a new follower with WeChat's prefix."""
    ticket = (await world.client("shop").qr_codes.create_temporary("table-7")).ticket
    for event in ("SCAN", "subscribe"):
        fields = {"Ticket": ticket}
        await world.control.send(SendRequest(account="shop", openid=ALICE, type="event", event=event, fields=fields))
    received = [one.opened.document for one in world.ingress.received]
    assert [(one["EventKey"], one["Ticket"]) for one in received] == [("table-7", ticket), ("qrscene_table-7", ticket)]


async def test_users_of_the_account(world: World) -> None:
    """Users who acted are followers until they unsubscribe; remarks and the blacklist are kept."""
    users = world.client("shop").users
    for openid in (ALICE, BOB):
        await world.control.text("shop", "hello", openid=openid)
    assert (await users.followers()).data.openid == (ALICE, BOB)
    assert (await users.followers(start=ALICE)).data.openid == (BOB,)
    await users.set_remark(ALICE, "小爱")
    assert (await users.info(ALICE)).remark == "小爱"
    await users.block([BOB])
    assert (await users.blacklist()).data.openid == (BOB,)
    await users.unblock([BOB])
    assert (await users.blacklist()).count == 0
    await world.control.send(SendRequest(account="shop", openid=BOB, type="event", event="unsubscribe"))
    found = await users.info_of_many([UserQuery(openid=ALICE), UserQuery(openid=BOB)])
    assert [user.subscribe for user in found] == [True, False]
    assert (await users.followers()).total == 1


async def test_tags(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tags have unique names, are given and taken, and are limited."""
    monkeypatch.setattr(rules, "MAX_TAGS", 2)
    client = world.client("shop")
    tag = await client.tags.create("vip")
    assert await errcode_of(client.tags.create("vip")) == 45157
    await client.tags.add(tag.id, [ALICE, BOB])
    assert await client.tags.of(ALICE) == [tag.id]
    assert (await client.users.info(ALICE)).tagid_list == (tag.id,)
    assert (await client.tags.followers(tag.id)).data.openid == (ALICE, BOB)
    await client.tags.remove(tag.id, [ALICE])
    await client.tags.rename(tag.id, "gold")
    assert [(one.name, one.count) for one in await client.tags.all() if one.id == tag.id] == [("gold", 1)]
    await client.tags.create("second")
    with pytest.raises(QuotaExceeded):
        await client.tags.create("third")
    await client.tags.delete(tag.id)
    assert await client.tags.of(BOB) == []
    assert await errcode_of(client.tags.delete(tag.id)) == 45159
    assert await errcode_of(client.tags.delete(2)) == 45058


async def test_menus(world: World) -> None:
    """The menu, conditional menus and what a user with a tag sees."""
    client = world.client("shop")
    menus = client.menus
    assert await errcode_of(menus.configuration()) == 46003
    assert await errcode_of(menus.add_conditional([ViewButton(name="v", url="u")], MatchRule(tag_id="2"))) == 65303
    await menus.create(
        [
            KeyButton(name="今日歌曲", key="V1001"),
            SubMenu(
                name="菜单",
                buttons=[
                    ViewButton(name="搜索", url="https://example.com/"),
                    MiniProgramButton(name="wxa", url="https://example.com/", appid="wx1", page="pages/index"),
                ],
            ),
        ]
    )
    menu = (await menus.configuration()).menu
    assert [button.name for button in menu.buttons] == ["今日歌曲", "菜单"]
    assert [button.type for button in menu.buttons[1].buttons] == ["view", "miniprogram"]
    assert menu.buttons[1].buttons[1].page == "pages/index"
    tag = await client.tags.create("vip")
    await client.tags.add(tag.id, [ALICE])
    menu_id = await menus.add_conditional([ViewButton(name="vip", url="u")], MatchRule(tag_id=str(tag.id)))
    assert [(await menus.match(user)).buttons[0].name for user in (ALICE, BOB)] == ["vip", "今日歌曲"]
    assert (await menus.configuration()).conditional[0].menu_id == menu_id
    assert (await menus.current()).is_open
    await menus.delete_conditional(menu_id)
    assert await errcode_of(menus.delete_conditional(menu_id)) == 65301
    await menus.delete()
    assert not (await menus.current()).is_open


async def test_a_wrong_field_inside_of_a_menu_has_its_own_errcode(world: World) -> None:
    """The sandbox answers with the errcode of the innermost field; the client refuses the button before."""
    click = {"type": "click", "name": "n", "key": "k"}
    cases: list[tuple[Any, int]] = [
        ([], 40016),
        ([click] * 4, 40016),
        ([{**click, "name": "a" * 17}], 40018),
        ([{**click, "name": ""}], 40018),
        ([{**click, "key": "k" * 129}], 40019),
        ([{"type": "view", "name": "n", "url": "u" * 1025}], 40020),
        ([{"name": "n", "sub_button": []}], 40023),
        ([{"name": "n", "sub_button": [click] * 6}], 40023),
        ([{"name": "n", "sub_button": [{**click, "name": "a" * 61}]}], 40018),
    ]
    client = world.client("shop")
    for buttons, expected in cases:
        found = await errcode_of(client.call("POST", "/cgi-bin/menu/create", json={"button": buttons}))
        assert found == expected, buttons
    with pytest.raises(ValueError, match="at most 16 are allowed"):
        await client.menus.create([KeyButton(name="a" * 17, key="k")])
    with pytest.raises(ValueError, match="key"):
        KeyButton(name="n", key="")
    with pytest.raises(ValueError, match="give tag_id or platform"):
        MatchRule()
    with pytest.raises(BadRequest):  # the body is not what WeChat reads
        await client.call("POST", "/cgi-bin/menu/create", json={"button": "x"})
