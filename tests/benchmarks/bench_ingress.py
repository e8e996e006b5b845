"""CPU of one accepted callback (secure mode, XML, confirmed publish) beside the least an aiohttp server can do."""

import secrets
import statistics
import time
from contextlib import AsyncExitStack

from tests.benchmarks.load import Outcome, apply, apply_at, request
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus_local.servers.ports import free_port

APPID, TOKEN, AES_KEY = "wxbench0000000000", "benchtoken", "BenchmarkKeyBenchmarkKeyBenchmarkKeyBenchma"
ROUNDS, CALLBACKS, CONNECTIONS = 5, 4_000, 32
USERS = 500
HALF_LOAD_SECONDS = 5.0
HOSTILE, HOSTILE_ROUNDS = 16, 3
"""Connections of an attacker, and how often callbacks are sent beside them."""
CALM_RATE, CALM_CONNECTIONS = 50.0, 8
"""Callbacks a second that WeChat sends meanwhile."""

ACCOUNTS = f"""
[accounts.bench]
appid = "{APPID}"
kind = "official_account"
token = "{TOKEN}"
aes_key = "{AES_KEY}"
"""


def callbacks(count: int) -> list[bytes]:
    """Return so many different text messages of `USERS` users, encrypted and signed as WeChat does."""
    cipher, now = Cipher(AES_KEY, APPID), str(int(time.time()))
    return [_callback(cipher, f"o{number % USERS}", now) for number in range(count)]


def _callback(cipher: Cipher, openid: str, now: str) -> bytes:
    message = (
        f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好, 17]]></Content>"
        f"<MsgId>{secrets.randbelow(10**18)}</MsgId></xml>"
    )
    encrypted, nonce = cipher.encrypt(message.encode()), str(secrets.randbelow(10**9))
    query = (
        f"signature={sign(TOKEN, now, nonce)}&timestamp={now}&nonce={nonce}&openid={openid}&encrypt_type=aes"
        f"&msg_signature={sign(TOKEN, now, nonce, encrypted)}"
    )
    body = f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return request(f"/wechat/bench?{query}", body.encode(), headers=["Content-Type: text/xml"])


async def measure(places: Places) -> list[Result]:
    """Return rates and CPU of ingress and of the bare server, their rounds interleaved in one run."""
    (places.folder / "accounts.toml").write_text(ACCOUNTS, encoding="utf-8")
    ours, bare_port, admin = free_port(), free_port(), free_port()
    env = {
        **places.environment(),
        "WXBUS_ACCOUNTS_FILE": str(places.folder / "accounts.toml"),
        "WXBUS_INGRESS_HOST": "127.0.0.1",
        "WXBUS_INGRESS_PORT": str(ours),
        "WXBUS_INGRESS_ADMIN_PORT": str(admin),
        "WXBUS_INGRESS_SPOOL_DIR": str(places.folder / "spool"),
    }
    async with AsyncExitStack() as stack:
        ingress = await stack.enter_async_context(places.serving("wxbus_ingress", port=ours, env=env))
        bare = await stack.enter_async_context(
            places.serving("tests.benchmarks.peers.bare", str(bare_port), port=bare_port)
        )
        await _round(ingress, ours)  # the first opens connections and warms caches
        rounds = [(await _round(ingress, ours), await _round(bare, bare_port)) for _ in range(ROUNDS)]
        half = statistics.median(outcome.rate for (outcome, _), _ in rounds) / 2
        [payload] = callbacks(1)
        calm = [
            await apply_at(ours, payload, rate=half, seconds=HALF_LOAD_SECONDS, connections=2 * CONNECTIONS)
            for _ in range(ROUNDS)
        ]
        attacker = ("tests.benchmarks.peers.hostile", str(ours), str(HOSTILE))
        async with places.serving(*attacker):
            attacked = [
                await apply_at(ours, payload, rate=CALM_RATE, seconds=HALF_LOAD_SECONDS, connections=CALM_CONNECTIONS)
                for _ in range(HOSTILE_ROUNDS)
            ]
        if wrong := sum(outcome.wrong for outcome in attacked):
            raise RuntimeError(f"{wrong} callbacks were refused beside an attacker")
    async with AsyncExitStack() as stack:
        env |= {"WXBUS_AMQP_URL": f"amqp://127.0.0.1:{free_port()}/", "WXBUS_INGRESS_SPOOL_DISK_FLOOR": "0"}
        ingress = await stack.enter_async_context(places.serving("wxbus_ingress", port=ours, env=env))
        await _round(ingress, ours)
        spooled = [await _round(ingress, ours) for _ in range(ROUNDS)]
    return [
        Result.of("ingress/callbacks-per-s", "1/s", [ours.rate for (ours, _), _ in rounds]),
        Result.of("ingress/cpu-us", "us/callback", [cpu for (_, cpu), _ in rounds]),
        Result.of("ingress/bare-cpu-us", "us/callback", [cpu for _, (_, cpu) in rounds]),
        Result.of("ingress/cpu-vs-bare", "ratio", [mine / theirs for (_, mine), (_, theirs) in rounds]),
        Result.of("ingress/p99-ms", "ms", [ours.percentile(0.99) * 1000 for (ours, _), _ in rounds]),
        Result.of("ingress/p99-ms-half-load", "ms", [outcome.percentile(0.99) * 1000 for outcome in calm]),
        Result.of("ingress/hostile-p99-ms", "ms", [outcome.percentile(0.99) * 1000 for outcome in attacked]),
        Result.of("ingress/spool-rate", "1/s", [outcome.rate for outcome, _ in spooled]),
    ]


async def _round(server: Service, port: int) -> tuple[Outcome, float]:
    payloads = callbacks(CALLBACKS)
    before = server.cpu_seconds()
    outcome = await apply(port, payloads, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {CALLBACKS} callbacks were refused")
    return outcome, (server.cpu_seconds() - before) / CALLBACKS * 1e6
