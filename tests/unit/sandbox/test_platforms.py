"""Tickets, WeCom and third-party platforms by WeChat's rules (protocol reference 8.2 to 8.4)."""

from collections.abc import Awaitable

import pytest
from pydantic import SecretStr

from tests.support.sandbox import SECRET, World
from wxbus.api import component
from wxbus.api.credentials import fetch_ticket, fetch_wecom_token
from wxbus.errors import WeChatError
from wxbus_sandbox.control.connection import SandboxFailure

PLATFORM = "wxplatform"
BAKERY = "wxbakery"
RIGHT = SecretStr(SECRET)


async def platform_token(world: World) -> str:
    """Return a token of the platform."""
    ticket = (await world.control.component_ticket("platform", push=False)).value
    return (await component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)).value


async def errcode_of(call: Awaitable[object]) -> int:
    """Return the errcode with which a call fails."""
    with pytest.raises(WeChatError) as caught:
        await call
    return caught.value.errcode


async def test_a_ticket_stays_the_same_until_it_expires(world: World) -> None:
    """A ticket needs an access token; each type has its own ticket."""
    token = await world.tokens.get("wxshop")
    first = await fetch_ticket(world.http, token, "jsapi")
    assert await fetch_ticket(world.http, token, "jsapi") == first
    assert (await fetch_ticket(world.http, token, "wx_card")).value != first.value
    assert await errcode_of(fetch_ticket(world.http, "x", "jsapi")) == 40014
    await world.control.advance(7200)
    token = await world.tokens.report_invalid("wxshop", token)
    assert (await fetch_ticket(world.http, token, "jsapi")).value != first.value


async def test_wecom_returns_the_same_token_while_it_is_valid(world: World) -> None:
    """A wrong corpid is 40013, a wrong secret 40001; an expired token is replaced."""
    first = await fetch_wecom_token(world.wecom, "ww1", RIGHT)
    assert (await fetch_wecom_token(world.wecom, "ww1", RIGHT)).value == first.value
    assert await errcode_of(fetch_wecom_token(world.wecom, "wxother", RIGHT)) == 40013
    assert await errcode_of(fetch_wecom_token(world.wecom, "ww1", SecretStr("x"))) == 40001
    await world.control.advance(7200)
    assert (await fetch_wecom_token(world.wecom, "ww1", RIGHT)).value != first.value


async def test_a_platforms_ticket_is_valid_for_twelve_hours(world: World) -> None:
    """61006: unknown; 61005: expired; 40125: wrong secret."""
    ticket = (await world.control.component_ticket("platform", push=False)).value
    assert (await component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)).value
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, RIGHT, "ticket@@@x")) == 61006
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, SecretStr("x"), ticket)) == 40125
    await world.control.advance(12 * 3600)
    assert await errcode_of(component.fetch_component_token(world.http, PLATFORM, RIGHT, ticket)) == 61005


async def test_an_authorisation_code_is_exchanged_once(world: World) -> None:
    """Used and expired codes are 61010; the authorisation is in WeChat's list."""
    token = await platform_token(world)
    code, expired = [(await world.control.authorize("platform", BAKERY, push=False)).value for _ in range(2)]
    found = await component.query_auth(world.http, token, PLATFORM, code)
    assert (found.appid, found.permissions) == (BAKERY, (1, 2, 15))
    assert await errcode_of(component.query_auth(world.http, token, PLATFORM, code)) == 61010
    (listed,), total = await component.authorizer_list(world.http, token, PLATFORM, 0)
    assert (listed.appid, listed.refresh_token, total) == (BAKERY, found.refresh_token, 1)
    await world.control.advance(3600)
    assert await errcode_of(component.query_auth(world.http, token, PLATFORM, expired)) == 61010


async def test_a_refresh_token_is_used_once(world: World) -> None:
    """Each response has the next refresh token; the previous one is 61023."""
    token = await platform_token(world)
    code = (await world.control.authorize("platform", BAKERY, push=False)).value
    first = (await component.query_auth(world.http, token, PLATFORM, code)).refresh_token
    got = await component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, first)
    assert got.refresh_token not in {None, first}
    assert await errcode_of(component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, first)) == 61023
    assert (await component.authorizer_info(world.http, token, PLATFORM, BAKERY)).refresh_token == got.refresh_token


async def test_a_withdrawn_authorisation_ends_all_tokens(world: World) -> None:
    """The refresh token is 61003, the access token 40001."""
    token = await platform_token(world)
    code = (await world.control.authorize("platform", BAKERY, push=False)).value
    refresh = (await component.query_auth(world.http, token, PLATFORM, code)).refresh_token
    got = await component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, refresh)
    assert (await fetch_ticket(world.http, got.value, "jsapi")).value
    await world.control.unauthorize("platform", BAKERY, push=False)
    assert await errcode_of(fetch_ticket(world.http, got.value, "jsapi")) == 40001
    fetch = component.fetch_authorizer_token(world.http, token, PLATFORM, BAKERY, str(got.refresh_token))
    assert await errcode_of(fetch) == 61003


async def test_tokens_of_platforms_and_accounts_are_not_interchangeable(world: World) -> None:
    """61014 for a platform's token in an account's call, and vice versa."""
    token = await platform_token(world)
    assert await errcode_of(fetch_ticket(world.http, token, "jsapi")) == 61014
    assert (
        await errcode_of(component.create_pre_auth_code(world.http, await world.tokens.get("wxshop"), PLATFORM))
        == 61014
    )


async def test_only_platforms_have_tickets(world: World) -> None:
    """The control API names the account's kind."""
    with pytest.raises(SandboxFailure, match="is not a third-party platform"):
        await world.control.component_ticket("shop", push=False)
