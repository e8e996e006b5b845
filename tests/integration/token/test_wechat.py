"""WeChat's API for programs that are not handlers: tokens by RPC, no AppSecret."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.integration.token.test_kinds import MORE, SALES
from tests.support.readme import ROOT, samples_of
from tests.support.token_service import CAFE, SHOP, WECHAT_TIMEOUT, Place, placed, service
from wxbus.errors import BadRequest
from wxbus.tokens import WeChat
from wxbus.wechat import reply

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

OPENID = "oUser0000000000000000000001"


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield a service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


async def test_a_program_calls_wechat_without_a_secret(place: Place) -> None:
    """By name or appid; a token that WeChat rejects is reported and replaced; logins and tickets work too."""
    async with (
        service(place.settings) as url,
        WeChat.open(
            url, place.admin_key, api_url=place.sandbox.url, api_timeout=WECHAT_TIMEOUT, appids={"shop": SHOP}
        ) as wechat,
    ):
        shop = wechat.account("shop")
        assert (await shop.qr_codes.create_temporary("scene", expires_in=60)).expire_seconds == 60

        await place.sandbox.invalidate_tokens(SHOP)
        tag = await wechat.account(SHOP).tags.create("vip")
        assert [one.name for one in await shop.tags.all() if one.id == tag.id] == ["vip"]
        assert await place.fetched(SHOP) == 2

        user = await wechat.login.exchange(appid=CAFE, code=await place.sandbox.js_code("cafe", openid=OPENID))
        assert user.openid == OPENID
        visitor = await wechat.login.exchange_web(appid=SHOP, code=await place.sandbox.js_code("shop", openid=OPENID))
        assert (await shop.oauth.user_info(SecretStr(visitor.access_token), OPENID)).unionid == user.unionid
        assert await wechat.tokens.get_ticket(SHOP)
        with pytest.raises(BadRequest):
            await shop.temporary_media.download("unknown")


async def test_a_program_sends_as_an_application_of_wecom(place: Place) -> None:
    """The token is that of the application, the address that of WeCom."""
    async with (
        service(place.settings) as url,
        WeChat.open(
            url,
            place.admin_key,
            wecom_url=f"{place.sandbox.url}/wecom",
            api_timeout=WECHAT_TIMEOUT,
            appids={"sales": SALES},
        ) as wechat,
    ):
        sales = wechat.application("sales", agent_id=1000002)
        await sales.send("zhangsan", reply.Text("hello"))
    [sent] = await place.sandbox.sent(account="sales")
    assert (sent.openid, sent.content) == ("zhangsan", "hello")


@pytest.mark.parametrize("page", ["api.md", "api.zh-CN.md"])
async def test_the_sample_of_another_program_sends_a_message(place: Place, page: str) -> None:
    """`tell_about` of docs/how-to/api.md, with the token service and the sandbox."""
    changes = {'"wxmini"}': f'"{CAFE}"}}'}
    with samples_of(ROOT / "docs/how-to" / page, changes) as samples:
        async with service(place.settings) as url:
            await samples.tell_about("7", OPENID, token_url=url, api_key=place.admin_key, api_url=place.sandbox.url)
    [sent] = await place.sandbox.sent(openid=OPENID)
    assert sent.payload["data"] == {"thing1": {"value": "Order 7"}}
