"""`python -m wxbus_gateway users`, as an operator uses it."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus_gateway.__main__ import cli
from wxbus_gateway.users.database import migrate, open_database
from wxbus_gateway.users.model import Phone
from wxbus_gateway.users.sql import SqlUsers

pytestmark = pytest.mark.integration

ACCOUNTS = """
[accounts.shop]
kind = "official_account"
appid = "wx0000000000000001"
token = "token"
modes = ["plain"]

[accounts.cafe]
kind = "mini_program"
appid = "wx0000000000000002"
token = "token"
modes = ["plain"]
"""


def test_operators_find_export_and_erase_a_user(tmp_path: Path, redis_url: str, namespace: str) -> None:
    """A user is found by phone number, exported and erased; what is not found is an error that names it."""
    keys, url = new_encryption_key("a"), f"sqlite:///{tmp_path}/users.db"
    (tmp_path / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")

    async def log_in() -> None:
        async with open_database(url) as engine:
            await migrate(engine)
            users = SqlUsers(engine, Keyring.parse(keys))
            user = await users.seen("wx0000000000000002", "oUser")
            await users.set_phone(user.id, Phone(number="13800138000", country_code="86"))

    asyncio.run(log_in())
    env = {
        "WXBUS_AMQP_URL": "amqp://127.0.0.1/",  # a setting of the gateway, which the commands do not use
        "WXBUS_GATEWAY_DATABASE_URL": url,
        "WXBUS_GATEWAY_ENCRYPTION_KEYS": keys,
        "WXBUS_GATEWAY_TOKEN_API_KEY": "key",
        "WXBUS_ACCOUNTS_FILE": str(tmp_path / "accounts.toml"),
        "WXBUS_REDIS_URL": redis_url,
        "WXBUS_NAMESPACE": namespace,
    }

    def users(*words: str) -> Result:
        return CliRunner().invoke(cli, ["users", *words], env=env)

    by_phone = ("find", "cafe", "--phone", "+8613800138000")
    assert users(*by_phone).stdout == "1\n"
    assert '"phone": "+8613800138000"' in users("export", "1").stdout
    assert "13800138000" not in users("show", "1").stdout
    assert users("erase", "1", "--yes").stdout == "user 1 is erased; 0 sessions ended\n"

    for words, error in (
        (by_phone, "no such user of cafe"),
        (("find", "cafe", "--phone", "13800138000"), "--phone must be in international form"),
        (("find", "shop", "--uid", "7"), "there is no Mini Program 'shop' in the accounts file; known: cafe"),
        (("erase", "1"), "there is no user 1"),
    ):
        result = users(*words)
        assert (result.exit_code != 0, result.stdout) == (True, ""), words
        assert error in result.stderr, words
