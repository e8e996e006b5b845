"""What `make run` prints about real accounts."""

import asyncio
from dataclasses import replace
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from tests.support.token_service import SHOP, placed, service
from wxbus_local.console.next_steps import print_wechat_steps
from wxbus_local.console.screen import Screen
from wxbus_local.settings import LocalSettings
from wxbus_local.stack.plan import Plan
from wxbus_sandbox.models import Fault

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("redis")
async def test_each_start_asks_wechat_for_tokens(tmp_path: Path, redis_url: str, namespace: str) -> None:
    """A stored token is not taken for WeChat's answer: the next start shows that WeChat refuses now."""
    async with placed(tmp_path, redis_url, namespace) as place, service(place.settings) as url:
        plan = Plan.of(LocalSettings(accounts_file=tmp_path / "accounts.toml"), data=tmp_path)
        port = urlsplit(url).port
        assert port
        plan = replace(
            plan,
            addresses=replace(plan.addresses, token=port),
            credentials=replace(plan.credentials, api_keys={"admin": place.admin_key}),
        )

        async def printed() -> str:
            text = StringIO()
            await asyncio.to_thread(print_wechat_steps, Screen(Console(file=text, width=200)), plan)
            return text.getvalue()

        first = await printed()
        assert await place.fetched(SHOP) == 1
        await place.sandbox.fault(Fault(path="/cgi-bin/stable_token", errcode=40125, times=10))
        second = await printed()
    assert "shop      WeChat gave an access token" in first
    assert "shop: WeChat gives no access token: " in second
    assert "40125" in second
