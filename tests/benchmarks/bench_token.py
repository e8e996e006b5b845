"""Token calls a second over HTTP, served from memory."""

import json
from contextlib import AsyncExitStack

from tests.benchmarks.load import Outcome, apply, request
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from wxbus.rpc.keys import new_key
from wxbus_local.ports import free_port
from wxbus_token.keyring import new_vault_key

APPID = "wxbench0000000000"
ROUNDS, CALLS, CONNECTIONS = 5, 5_000, 16

ACCOUNTS = f"""
[accounts.bench]
appid = "{APPID}"
kind = "official_account"
secret = "0123456789abcdef0123456789abcdef"
"""


async def measure(places: Places) -> list[Result]:
    """Return the rate, latency and CPU of `POST /rpc/token/get`."""
    key, entry = new_key("bench", ["token:get:*"])
    (places.folder / "keys.toml").write_text(entry.as_toml(), encoding="utf-8")
    (places.folder / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")
    port, wechat_port = free_port(), free_port()
    env = {
        **places.environment(),
        "WXBUS_ACCOUNTS_FILE": str(places.folder / "accounts.toml"),
        "WXBUS_WECHAT_API_URL": f"http://127.0.0.1:{wechat_port}",
        "WXBUS_TOKEN_PORT": str(port),
        "WXBUS_TOKEN_ADMIN_PORT": str(free_port()),
        "WXBUS_TOKEN_RATE_LIMIT": "0",
        "WXBUS_TOKEN_API_KEYS_FILE": str(places.folder / "keys.toml"),
        "WXBUS_TOKEN_VAULT_KEYS": new_vault_key("bench"),
    }
    headers = ["Content-Type: application/json", f"Authorization: Bearer {key}"]
    call = request("/rpc/token/get", json.dumps({"appid": APPID}).encode(), headers=headers)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(places.serving("tests.benchmarks.peers.wechat", str(wechat_port), port=wechat_port))
        token = await enter(places.serving("wxbus_token", port=port, env=env))
        await _round(token, port, call)
        rounds = [await _round(token, port, call) for _ in range(ROUNDS)]
    return [
        Result.of("token/http-calls-per-s", "1/s", [outcome.rate for outcome, _ in rounds]),
        Result.of("token/http-p99-ms", "ms", [outcome.percentile(0.99) * 1000 for outcome, _ in rounds]),
        Result.of("token/cpu-us", "us/call", [cpu for _, cpu in rounds]),
    ]


async def _round(server: Service, port: int, call: bytes) -> tuple[Outcome, float]:
    before = server.cpu_seconds()
    outcome = await apply(port, [call] * CALLS, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {CALLS} calls were refused")
    return outcome, (server.cpu_seconds() - before) / CALLS * 1e6
