"""A token service under measurement."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.benchmarks.load import apply, request
from tests.benchmarks.places import Places
from tests.support.processes import Service
from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key
from wxbus_local.servers.ports import free_port

CONNECTIONS = 16
ACCOUNT = """
[accounts.{name}]
appid = "{appid}"
kind = "official_account"
secret = "0123456789abcdef0123456789abcdef"
"""


@dataclass(frozen=True, slots=True)
class TokenService:
    """A service that runs."""

    service: Service
    port: int
    key: str
    appids: Sequence[str]

    def call(self, appid: str) -> bytes:
        """Return a request for a token."""
        headers = ["Content-Type: application/json", f"Authorization: Bearer {self.key}"]
        return request("/rpc/token/get", json.dumps({"appid": appid}).encode(), headers=headers)


@asynccontextmanager
async def token_service(places: Places, url: str, appids: Sequence[str]) -> AsyncIterator[TokenService]:
    """Yield a service with these accounts, whose tokens come from `url`."""
    key, entry = new_key("bench", ["token:get:*"])
    port = free_port()
    keys, accounts = places.folder / f"keys-{port}.toml", places.folder / f"accounts-{port}.toml"
    keys.write_text(entry.as_toml(), encoding="utf-8")
    accounts.write_text(
        "".join(ACCOUNT.format(name=f"a{number}", appid=appid) for number, appid in enumerate(appids)), encoding="utf-8"
    )
    env = {
        **places.environment(),
        "WXBUS_ACCOUNTS_FILE": str(accounts),
        "WXBUS_WECHAT_API_URL": url,
        "WXBUS_TOKEN_PORT": str(port),
        "WXBUS_TOKEN_ADMIN_PORT": str(free_port()),
        "WXBUS_TOKEN_RATE_LIMIT": "0",
        "WXBUS_TOKEN_API_KEYS_FILE": str(keys),
        "WXBUS_TOKEN_ENCRYPTION_KEYS": new_encryption_key("bench"),
    }
    async with places.serving("wxbus_token", port=port, env=env) as service:
        yield TokenService(service, port, key, appids)


async def fetch_all_us(token: TokenService) -> float:
    """Return the CPU of one fetch under the lock: nothing is in memory or in Redis yet."""
    before = token.service.cpu_seconds()
    outcome = await apply(token.port, [token.call(appid) for appid in token.appids], connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {len(token.appids)} tokens were not fetched")
    return (token.service.cpu_seconds() - before) / len(token.appids) * 1e6
