"""The samples of docs/how-to/credentials.md and its translation, run as they are written."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.token.test_docs import run
from tests.integration.token.test_kinds import BAKERY, MORE, PLATFORM
from tests.support.programs import program
from tests.support.readme import ROOT, blocks
from tests.support.token_service import SHOP, Place, placed, service
from wxbus.accounts.accounts import Accounts
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus.tokens.component import ComponentClient
from wxbus.wechat.crypto.js_sdk import sign_page
from wxbus_token.credentials.failures import State

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

ENGLISH = ROOT / "docs/how-to/credentials.md"
CHINESE = ROOT / "docs/how-to/credentials.zh-CN.md"
PASSING = {State.UNAVAILABLE, State.MINUTE_LIMIT, State.NO_TICKET, State.FORCE_LIMIT}
"""Waiting helps: callers do not get these states."""


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield a service with an account of every kind, not running yet."""
    async with placed(tmp_path, redis_url, namespace, more=MORE) as place:
        yield place


@pytest.fixture
async def env(place: Place) -> AsyncIterator[dict[str, str]]:
    """Yield the variables of the samples; the service runs."""
    async with service(place.settings) as url:
        yield {"TOKEN_URL": url, "TOKEN_API_KEY": place.admin_key, "APPID": SHOP, "PLATFORM_APPID": PLATFORM}


def test_both_languages_have_the_same_samples() -> None:
    """The translation has the same commands."""
    assert blocks(ENGLISH) == blocks(CHINESE)


def test_every_state_is_documented() -> None:
    """The table has each state of a refusal, in both languages."""
    for page in (ENGLISH, CHINESE):
        text = page.read_text(encoding="utf-8")
        assert [state for state in State if state not in PASSING and f"`{state}`" not in text] == []


def test_the_accounts_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts file of the page is valid."""
    (sample,) = blocks(ENGLISH, "toml")
    for name in ("OLD_SECRET", "SALES_SECRET", "PLATFORM_SECRET", "PLATFORM_TOKEN"):
        monkeypatch.setenv(name, "x" * 32)
    monkeypatch.setenv("PLATFORM_AES_KEY", "a" * 43)
    (tmp_path / "accounts.toml").write_text(sample)
    accounts = Accounts.read(tmp_path / "accounts.toml")
    assert accounts.named("old").classic_token
    assert accounts.named("sales").effective_receive_id == "ww0123456789abcdef"


@pytest.mark.programs("curl")
async def test_curl(env: dict[str, str]) -> None:
    """The command gets a ticket; its output has the fields of the page."""
    program("curl")
    (command,) = blocks(ENGLISH, "sh")
    (shown,) = blocks(ENGLISH, "json")
    assert json.loads(await run("sh", "-euc", command, **env)).keys() == json.loads(shown).keys()


async def test_the_page_is_signed(env: dict[str, str]) -> None:
    """The sample prints the arguments of `wx.config`, signed with the account's ticket."""
    sample, _ = blocks(ENGLISH, "python")
    printed = json.loads(await run(sys.executable, "-c", sample, **env))
    async with Client.open(env["TOKEN_URL"], env["TOKEN_API_KEY"]) as client:
        ticket = await TokenClient(client).get_ticket(SHOP)
    url, nonce, moment = "https://example.com/order?id=7", printed["nonceStr"], printed["timestamp"]
    assert printed == sign_page(SHOP, ticket, url, noncestr=nonce, timestamp=moment).as_json()


async def test_an_account_authorises(place: Place, env: dict[str, str]) -> None:
    """The sample prints the address of the authorisation page, exchanges the code, and prints the account."""
    _, sample = blocks(ENGLISH, "python")
    ticket = await place.sandbox.component_ticket("platform", push=False)
    async with Client.open(env["TOKEN_URL"], env["TOKEN_API_KEY"]) as client:
        await ComponentClient(client).deliver_ticket(PLATFORM, ticket.value, created_at=1)
    code = (await place.sandbox.authorize("platform", BAKERY, push=False)).value
    page, authorizer = (await run(sys.executable, "-c", sample, **env, AUTH_CODE=code)).splitlines()
    assert page.startswith(
        f"https://mp.weixin.qq.com/cgi-bin/componentloginpage?component_appid={PLATFORM}&pre_auth_code="
    )
    assert authorizer == f"{BAKERY} [1, 2, 15]"
