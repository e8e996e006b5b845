"""Resets of WeChat's quotas through the token service: AppSecrets stay in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.token.test_kinds import BAKERY, MORE, PLATFORM, authorize
from tests.support.token_service import SHOP, WECHAT_TIMEOUT, Place, placed, service
from wxbus.api import WeChatClient, WeChatHttp
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.codec.problems import wechat_errcode
from wxbus.tokens import TokenClient
from wxbus.tokens.component import ComponentClient
from wxbus.tokens.services import QuotaService
from wxbus.tokens.wechat import WeChat

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

PREVIEW = "/cgi-bin/message/mass/preview"
BODY = {"touser": "oUser0000000000000000000001", "msgtype": "text", "text": {"content": "x"}}


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield a service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


async def test_quotas_are_reset_with_the_secret(place: Place) -> None:
    """The token service does it when no call is left; for an authorizer with the secret of its platform."""
    async with (
        service(place.settings) as url,
        Client.open(url, place.admin_key) as rpc,
        TokenClient.open(url, place.admin_key) as tokens,
        WeChatHttp.open(place.sandbox.url, WECHAT_TIMEOUT) as http,
    ):
        await authorize(place, ComponentClient(rpc))
        for appid in (SHOP, BAKERY):
            client = WeChatClient(appid, http, tokens)
            await client.call("POST", PREVIEW, json=BODY)
            assert (await client.quotas.find(PREVIEW)).quota.used == 1
            await rpc.bind(QuotaService).reset(appid=appid)
            assert (await client.quotas.find(PREVIEW)).quota.used == 0


async def test_a_platform_calls_with_its_own_token(place: Place) -> None:
    """`WeChat.platform` uses the component_access_token, and replaces one that WeChat rejects."""
    async with service(place.settings) as url, Client.open(url, place.admin_key) as rpc:
        await authorize(place, ComponentClient(rpc))
        async with WeChat.open(
            url, place.admin_key, api_url=place.sandbox.url, api_timeout=WECHAT_TIMEOUT, appids={"us": PLATFORM}
        ) as wechat:
            for _ in range(2):
                page = await wechat.platform("us").authorizers.page(PLATFORM)
                assert [one.authorizer_appid for one in page.items] == [BAKERY]
                await place.sandbox.invalidate_tokens(PLATFORM)
            await wechat.account(BAKERY).mass_messages.speed()
            await wechat.quota.reset(appid=BAKERY)


async def test_the_resets_of_a_month_end(place: Place) -> None:
    """The failure names WeChat's errcode; an unknown account is a 404, and a key needs the scope."""
    async with service(place.settings) as url, Client.open(url, place.admin_key) as rpc:
        quota = rpc.bind(QuotaService)
        for _ in range(10):
            await quota.reset(appid=SHOP)
        with pytest.raises(RpcFailure) as caught:
            await quota.reset(appid=SHOP)
        assert wechat_errcode(caught.value) == 48006
        with pytest.raises(RpcFailure) as caught:
            await quota.reset(appid="wx9999999999999999")
        assert caught.value.status == 404
    async with service(place.settings) as url, Client.open(url, place.key) as rpc:
        with pytest.raises(RpcFailure) as caught:
            await rpc.bind(QuotaService).reset(appid=SHOP)
        assert caught.value.status == 403
