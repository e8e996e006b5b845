"""Tickets, WeCom and third-party platforms by WeChat's rules (protocol reference 8.2 to 8.4)."""

from collections.abc import Awaitable

import pytest
from pydantic import SecretStr

from tests.support.sandbox import SECRET, World
from wxbus.api import component
from wxbus.api.credentials import fetch_ticket, fetch_wecom_token
from wxbus.errors import WeChatError
from wxbus_sandbox.control.client import SandboxFailure

PLATFORM = "wxplatform"
BAKERY = "wxbakery"
RIGHT = SecretStr(SECRET)


async def platform_token(world: World) -> str:
    """Return a token of the platform."""
    ticket = (await world.control.component_ticket("platform", push=False)).value
    return (await component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)).value


async def errcode_of(call: Awaitable[object]) -> int:
    """Return the errcode that a call is refused with."""
    with pytest.raises(WeChatError) as caught:
        await call
    return caught.value.errcode


async def test_a_ticket_is_the_same_until_its_end(world: World) -> None:
    """With an access token only; each type has its own."""
    token = await world.tokens.get("wxshop")
    first = await fetch_ticket(world.http, token, "jsapi")
    assert await fetch_ticket(world.http, token, "jsapi") == first
    assert (await fetch_ticket(world.http, token, "wx_card")).value != first.value
    assert await errcode_of(fetch_ticket(world.http, "x", "jsapi")) == 40014
    await world.control.advance(7200)
    token = await world.tokens.report_invalid("wxshop", token)
    assert (await fetch_ticket(world.http, token, "jsapi")).value != first.value


async def test_wecom_gives_the_same_token_while_it_is_valid(world: World) -> None:
    """A wrong corpid is 40013, a wrong secret 40001; after the end there is a new one."""
    first = await fetch_wecom_token(world.http, "ww1", RIGHT)
    assert (await fetch_wecom_token(world.http, "ww1", RIGHT)).value == first.value
    assert await errcode_of(fetch_wecom_token(world.http, "wxother", RIGHT)) == 40013
    assert await errcode_of(fetch_wecom_token(world.http, "ww1", SecretStr("x"))) == 40001
    await world.control.advance(7200)
    assert (await fetch_wecom_token(world.http, "ww1", RIGHT)).value != first.value


async def test_a_platforms_ticket_is_good_for_twelve_hours(world: World) -> None:
    """61006 for what is none, 61005 for one that is expired, 40125 for a wrong secret."""
    ticket = (await world.control.component_ticket("platform", push=False)).value
    assert await component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, RIGHT, "ticket@@@x")) == 61006
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, SecretStr("x"), ticket)) == 40125
    await world.control.advance(12 * 3600)
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)) == 61005


async def test_a_code_is_exchanged_once(world: World) -> None:
    """Then, and after its time, it is 61010; what it stood for is in WeChat's list."""
    token = await platform_token(world)
    code, late = [(await world.control.authorize("platform", BAKERY, push=False)).value for _ in range(2)]
    found = await component.query_auth(world.http, token, PLATFORM, code)
    assert (found.appid, found.permissions) == (BAKERY, (1, 2, 15))
    assert await errcode_of(component.query_auth(world.http, token, PLATFORM, code)) == 61010
    (listed,), total = await component.authorizer_list(world.http, token, PLATFORM, 0)
    assert (listed.appid, listed.refresh_token, total) == (BAKERY, found.refresh_token, 1)
    await world.control.advance(3600)
    assert await errcode_of(component.query_auth(world.http, token, PLATFORM, late)) == 61010


async def test_a_refresh_token_is_good_once(world: World) -> None:
    """The answer has the next one; the one before is 61023; WeChat tells the current one."""
    token = await platform_token(world)
    code = (await world.control.authorize("platform", BAKERY, push=False)).value
    first = (await component.query_auth(world.http, token, PLATFORM, code)).refresh_token
    got = await component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, first)
    assert got.refresh_token not in {None, first}
    assert await errcode_of(component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, first)) == 61023
    assert (await component.authorizer_info(world.http, token, PLATFORM, BAKERY)).refresh_token == got.refresh_token


async def test_who_withdraws_is_forgotten(world: World) -> None:
    """Refresh token and tokens are dead: 61003, and 40001 for a call with the token."""
    token = await platform_token(world)
    code = (await world.control.authorize("platform", BAKERY, push=False)).value
    refresh = (await component.query_auth(world.http, token, PLATFORM, code)).refresh_token
    got = await component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, refresh)
    assert await fetch_ticket(world.http, got.value, "jsapi")
    await world.control.unauthorize("platform", BAKERY, push=False)
    assert await errcode_of(fetch_ticket(world.http, got.value, "jsapi")) == 40001
    fetch = component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, str(got.refresh_token))
    assert await errcode_of(fetch) == 61003


async def test_tokens_are_for_their_own_calls(world: World) -> None:
    """A platform's own token opens no account's calls, an account's none of the platform's: 61014."""
    token = await platform_token(world)
    assert await errcode_of(fetch_ticket(world.http, token, "jsapi")) == 61014
    assert (
        await errcode_of(component.create_pre_auth_code(world.http, await world.tokens.get("wxshop"), PLATFORM))
        == 61014
    )


async def test_only_a_platform_is_authorised(world: World) -> None:
    """The control API says what is wrong."""
    with pytest.raises(SandboxFailure, match="no third-party platform"):
        await world.control.component_ticket("shop", push=False)
