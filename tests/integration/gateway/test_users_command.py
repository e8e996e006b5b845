"""`python -m wxbus_gateway users`, as an operator uses it."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from tests.support.stores import open_store
from wxbus.sockets.groups import Groups
from wxbus.sockets.pushes import PushLog
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus_gateway.__main__ import cli
from wxbus_gateway.login.session_keys import SessionKeys
from wxbus_gateway.sessions.session import Lifetime
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.users.database import open_database
from wxbus_gateway.users.migrating import migrate
from wxbus_gateway.users.model import Phone
from wxbus_gateway.users.sql import SqlUsers

pytestmark = pytest.mark.integration

LIFETIME = Lifetime(idle=86_400, total=864_000, renew_after=43_200)
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
    """A user is found by phone number, exported and erased; what is not found is an error that names it.

    The commands need neither the settings of RabbitMQ nor those of the token service. Erasing leaves nothing of the
    user in the database and in the gateways' keys in Redis, and names the command for the rest.
    """
    keys, url = new_encryption_key("a"), f"sqlite:///{tmp_path}/users.db"
    (tmp_path / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")

    async def log_in() -> None:
        async with open_database(url) as engine:
            await migrate(engine)
            users = SqlUsers(engine, Keyring.parse(keys))
            user = await users.seen("wx0000000000000002", "oUser")
            await users.set_phone(user.id, Phone(number="13800138000", country_code="86"))
        async with open_store(redis_url) as store:
            keyring = Keyring.parse(keys)
            await SessionStore(store, keyring, LIFETIME, namespace=namespace).start("cafe", user)
            await SessionKeys(store, keyring, namespace=namespace).put(user.appid, user.openid, SecretStr("key"))
            await PushLog(store, namespace=namespace).append(user.appid, user.openid, b"{}", push_id="1")
            await Groups(store, namespace=namespace).join(user.appid, "room", user.openid)

    async def left_in_redis() -> list[bytes]:
        async with open_store(redis_url) as store:
            return list(await store.command("KEYS", f"{namespace}:*"))

    asyncio.run(log_in())
    env = {
        "WXBUS_GATEWAY_DATABASE_URL": url,
        "WXBUS_GATEWAY_ENCRYPTION_KEYS": keys,
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
    assert len(asyncio.run(left_in_redis())) > 5
    erased = users("erase", "1", "--yes").stdout
    assert erased.startswith("user 1 is erased; 1 sessions ended\n")
    assert "python -m wxbus_worker context drop wx0000000000000002 oUser --yes\n" in erased
    assert asyncio.run(left_in_redis()) == []

    for words, error in (
        (by_phone, "no such user of cafe"),
        (("find", "cafe", "--phone", "13800138000"), "--phone must be in international form"),
        (("find", "shop", "--uid", "7"), "there is no Mini Program 'shop' in the accounts file; known: cafe"),
        (("erase", "1"), "there is no user 1"),
    ):
        result = users(*words)
        assert (result.exit_code != 0, result.stdout) == (True, ""), words
        assert error in result.stderr, words
