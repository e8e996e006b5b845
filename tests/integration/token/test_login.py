"""Logins through the token service: AppSecrets stay in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.token.test_kinds import BAKERY, MORE, authorize
from tests.support.token_service import CAFE, SHOP, Place, placed, service
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.codec.problems import wechat_errcode
from wxbus.tokens.component import ComponentClient
from wxbus.tokens.services import LoginService
from wxbus_sandbox.models import Fault

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

OPENID = "oUser0000000000000000000001"


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield a service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


@pytest.fixture
async def client(place: Place) -> AsyncIterator[Client]:
    """Yield an RPC client of a running instance."""
    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        yield client


async def test_a_login_code_is_exchanged_once(place: Place, client: Client) -> None:
    """The first exchange returns the user with the session key; a failure names WeChat's errcode in its type."""
    login = client.bind(LoginService)
    code = await place.sandbox.js_code("cafe", openid=OPENID)

    user = await login.exchange(appid=CAFE, code=code)

    assert user.openid == OPENID
    assert user.unionid
    assert user.session_key not in repr(user)
    refused = {}
    for wrong, errcode in ((code, 40163), ("unknown", 40029)):
        with pytest.raises(RpcFailure) as caught:
            await login.exchange(appid=CAFE, code=wrong)
        refused[errcode] = (caught.value.status, wechat_errcode(caught.value))
    assert refused == {40163: (422, 40163), 40029: (422, 40029)}


async def test_limits_and_outages_of_wechat_can_be_told_apart(place: Place, client: Client) -> None:
    """WeChat's limit is a 429, and WeChat being busy a 503 with a retry time; neither is repeated."""
    login, answers = client.bind(LoginService), {}
    for errcode in (45011, -1, 40226):
        await place.sandbox.fault(Fault(path="/sns/jscode2session", errcode=errcode))
        with pytest.raises(RpcFailure) as caught:
            await login.exchange(appid=CAFE, code="code")
        answers[errcode] = (caught.value.status, wechat_errcode(caught.value), caught.value.retry_after is not None)
    assert answers == {45011: (429, 45011, True), -1: (503, -1, True), 40226: (422, 40226, False)}


async def test_only_mini_programs_have_logins(client: Client) -> None:
    """An Official Account is a 422 that says so, an unknown appid a 404."""
    login, statuses = client.bind(LoginService), []
    for appid in (SHOP, "wx9999999999999999"):
        with pytest.raises(RpcFailure) as caught:
            await login.exchange(appid=appid, code="code")
        statuses.append(caught.value.status)
    assert statuses == [422, 404]


async def test_an_authorizer_logs_in_with_the_token_of_its_platform(place: Place, client: Client) -> None:
    """The account has no secret here: the platform's token exchanges the code (protocol reference 8.3)."""
    await authorize(place, ComponentClient(client))
    code = await place.sandbox.js_code("platform", openid=OPENID, appid=BAKERY)

    user = await client.bind(LoginService).exchange(appid=BAKERY, code=code)

    assert user.openid == OPENID


async def test_a_web_code_is_exchanged_once_and_its_tokens_are_renewed(place: Place, client: Client) -> None:
    """As a login code, for Official Accounts; the refresh token gives new tokens, and a wrong one names 40030."""
    login = client.bind(LoginService)
    code = await place.sandbox.js_code("shop", openid=OPENID)

    user = await login.exchange_web(appid=SHOP, code=code)

    assert (user.openid, user.is_snapshot) == (OPENID, False)
    assert user.access_token not in repr(user)
    renewed = await login.refresh_web(appid=SHOP, refresh_token=user.refresh_token)
    assert (renewed.openid, renewed.unionid) == (OPENID, user.unionid)
    for call, errcode in (
        (login.exchange_web(appid=SHOP, code=code), 40163),
        (login.refresh_web(appid=SHOP, refresh_token="unknown"), 40030),
    ):
        with pytest.raises(RpcFailure) as caught:
            await call
        assert (caught.value.status, wechat_errcode(caught.value)) == (422, errcode)
    with pytest.raises(RpcFailure, match="422 Not an Official Account"):
        await login.exchange_web(appid=CAFE, code="code")


async def test_a_web_page_of_an_authorizer(place: Place, client: Client) -> None:
    """The platform's token exchanges the code and renews the tokens."""
    await authorize(place, ComponentClient(client))
    code = await place.sandbox.js_code("platform", openid=OPENID, appid=BAKERY)
    login = client.bind(LoginService)

    user = await login.exchange_web(appid=BAKERY, code=code)
    renewed = await login.refresh_web(appid=BAKERY, refresh_token=user.refresh_token)

    assert user.openid == renewed.openid == OPENID
