"""Families whose state the sandbox keeps: waybills, comments, conversations, code and open accounts."""

from collections.abc import Awaitable

import pytest

from tests.support.sandbox import World, event_of
from wxbus.api.endpoints.express_orders import (
    Cargo,
    CargoItem,
    Contact,
    Insurance,
    ServiceType,
    Shop,
    ShopItem,
    WaybillOrder,
)
from wxbus.errors import WeChatError
from wxbus.wechat.events.account import NicknameAuditEvent, WeAppAuditSuccessEvent
from wxbus.wechat.events.component import FastRegisterEnterpriseEvent
from wxbus.wechat.events.logistics import AddExpressPathEvent
from wxbus.wechat.events.service import CustomerServiceCloseSessionEvent, CustomerServiceCreateSessionEvent

USER = "oUser0000000000000000000001"


async def errcode_of(call: Awaitable[object]) -> int:
    """Return the errcode of a call that WeChat refuses."""
    with pytest.raises(WeChatError) as caught:
        await call
    return caught.value.errcode


async def test_a_waybill_has_steps_and_each_step_an_event(world: World) -> None:
    """An order is accepted once; its steps and its end can be read back."""
    express = world.client("mini").express
    contact = Contact(name="Ann", province="p", city="c", area="a", address="street 1", mobile="13800138000")
    cargo = Cargo(count=1, weight=1, space_x=1, space_y=1, space_z=1, detail_list=[CargoItem(name="tea", count=1)])
    shop = Shop(wxa_path="/order", detail_list=[ShopItem(goods_name="tea", goods_img_url="u")])
    insured, service = Insurance(use_insured=0, insured_value=0), ServiceType(service_type=0, service_name="s")

    def add() -> Awaitable[object]:
        return express.add_order("o1", "SF", "b", contact, contact, cargo, shop, insured, service, openid=USER)

    await add()
    collected = await event_of(world, AddExpressPathEvent, "add_express_path")
    assert (collected.order_id, collected.from_user, collected.version) == ("o1", USER, 1)
    assert await errcode_of(add()) == 9300506
    path = await express.path("o1", "SF", collected.waybill_id)
    assert [step.action_type for step in path.path_item_list] == [100001]
    await express.cancel_order("o1", "SF", collected.waybill_id)
    known, unknown = await express.orders([WaybillOrder(order_id=name, delivery_id="SF") for name in ("o1", "o2")])
    assert (known.order_status, known.errcode, unknown.errcode) == (1, 0, 9300501)


async def test_users_comment_while_comments_are_open(world: World) -> None:
    """A comment is selected, replied to once, and deleted; nobody comments after the end."""
    comments, article = world.client("shop").comments, str(2**62)
    await comments.open(article)
    first, second = [await world.control.comment("shop", article, text, openid=USER) for text in "ab"]
    await comments.select(article, second)
    assert [one.content for one in (await comments.page(article, kind=2)).comment] == ["b"]
    await comments.reply(article, first, "thanks")
    assert await errcode_of(comments.reply(article, first, "again")) == 88005
    reply = (await comments.page(article, kind=1)).comment[0].reply
    assert reply is not None
    assert reply.content == "thanks"
    await comments.delete_reply(article, first)
    await comments.delete(article, second)
    assert [(one.content, one.reply) for one in (await comments.page(article)).comment] == [("a", None)]
    assert await errcode_of(comments.delete(article, second)) == 88008
    assert await errcode_of(comments.page("5")) == 88001
    await comments.close(article)
    with pytest.raises(Exception, match="not open"):
        await world.control.comment("shop", article, "c")


async def test_a_conversation_begins_and_ends_with_an_event(world: World) -> None:
    """The events name the person who serves the user."""
    client, person = world.client("shop"), "ann@shop"
    await client.customer_service_accounts.add(person, "Ann")
    await client.customer_service_accounts.invite(person, "ann_wechat")
    await client.customer_service_sessions.create(person, USER)
    begun = await event_of(world, CustomerServiceCreateSessionEvent, "kf_create_session")
    await client.customer_service_sessions.close(person, USER)
    ended = await event_of(world, CustomerServiceCloseSessionEvent, "kf_close_session")
    assert [(one.kf_account, one.from_user) for one in (begun, ended)] == [(person, USER)] * 2


async def test_code_is_audited_and_released(world: World) -> None:
    """Only audited code can be released; an older version comes back."""
    code = world.client("mini").code_releases
    assert await errcode_of(code.submit()) == 86001
    for number, version in enumerate(("1.0", "1.1"), 1):
        await code.commit(str(number), version, "desc")
        audit_id = await code.submit()
        await event_of(world, WeAppAuditSuccessEvent, "weapp_audit_success", number)
        assert (await code.audit(audit_id)).status == 0
        assert (await code.latest_audit()).auditid == audit_id
        await code.release()
    assert await errcode_of(code.release()) == 85019
    assert [one.user_version for one in await code.older_versions()] == ["1.0"]
    await code.roll_back()
    released = (await code.versions()).release_info
    assert released is not None
    assert released.release_version == "1.0"
    assert await errcode_of(code.roll_back()) == 87011


async def test_a_name_is_reviewed(world: World) -> None:
    """The review ends with an event; then the profile has the name."""
    profiles = world.client("mini").profiles
    renaming = await profiles.set_name("Tea House")
    event = await event_of(world, NicknameAuditEvent, "wxa_nickname_audit")
    assert (event.ret, event.nickname) == (3, "Tea House")
    assert (await profiles.renaming(renaming.audit_id)).audit_stat == 3
    info = (await profiles.find()).nickname_info
    assert info is not None
    assert info.nickname == "Tea House"


async def test_a_platform_registers_a_mini_program(world: World) -> None:
    """The event has the appid, and a code that gives the platform its token."""
    company = {"name": "Tea Ltd", "legal_persona_wechat": "ann", "legal_persona_name": "Ann"}
    registrations = world.client("platform").registrations
    assert await errcode_of(registrations.company_state(**company)) == 89250
    await registrations.company(code="c", code_type=1, **company)
    event = await event_of(world, FastRegisterEnterpriseEvent, "notify_third_fasteregister")
    await registrations.company_state(**company)
    assert event.info is not None
    assert event.info.name == "Tea Ltd"
    assert event.appid in {
        one.authorizer_appid for one in (await world.client("platform").authorizers.page("wxplatform")).items
    }


async def test_an_account_is_bound_to_one_open_account(world: World) -> None:
    """A second one is refused, until the first is unbound; another account cannot be bound."""
    open_accounts = world.client("shop").open_accounts
    assert not await open_accounts.is_bound()
    created = await open_accounts.create("wxshop")
    assert await open_accounts.find("wxshop") == created
    assert await errcode_of(open_accounts.create("wxshop")) == 89000
    assert await errcode_of(open_accounts.unbind("wxshop", "wxother")) == 89001
    await open_accounts.unbind("wxshop", created)
    assert await errcode_of(open_accounts.find("wxshop")) == 89002
    assert await errcode_of(open_accounts.find("wxother")) == 40013
