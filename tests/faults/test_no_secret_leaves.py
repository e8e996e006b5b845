"""Promise 6: with everything logged and everything going wrong, no secret and no user's word comes out anywhere.

What a traceback of the user's own handler may show: its code, and the texts of its errors, with whatever they quote of
the message blanked out (`wxbus.runtime.redaction`). A handler that puts a few characters of a message, or what earlier
ones said, into an error, or logs a message itself, has said it itself.
"""

import asyncio
import io
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import aiohttp
import pytest
from redis.asyncio import Redis

from tests.faults.conftest import Install
from tests.support.history import settled
from tests.support.installation import ACCOUNT, APPID, MINI_PROGRAM, MINI_PROGRAM_APPID, Credentials, Installation
from tests.support.processes import Service
from tests.support.pushes import Push, a_push, a_text
from tests.support.sizes import soak
from tests.support.stores import open_store
from wxbus.bus.topology import Topology
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.signature import sign
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.server import Server
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Fault
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(330)]

SEND = "/cgi-bin/message/custom/send"
FETCH = "/cgi-bin/stable_token"
LOGIN = "/sns/jscode2session"
MINI_USER = "oMiniProgramUser"


@dataclass
class Watch:
    """Secrets that were in play, and all that was answered."""

    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    """What was asked, and everything that came back."""

    def leaks(self, places: Mapping[str, str]) -> Iterator[str]:
        """Yield where a secret stands, with what is around it."""
        for place, text in places.items():
            for name, secret in self.secrets.items():
                for match in re.finditer(re.escape(secret), text):
                    yield f"{name} in {place}: ...{text[max(0, match.start() - 300) : match.end() + 60]}..."

    async def ask(self, method: str, url: str, **request: Any) -> str:
        """Make a request and keep its answer, headers too."""
        async with aiohttp.request(method, url, timeout=aiohttp.ClientTimeout(total=20), **request) as answer:
            body = await answer.text(errors="replace")
        self.answers.append((f"{method} {urlsplit(url).path}", f"{answer.status} {dict(answer.headers)} {body}"))
        return body


@pytest.mark.parametrize(
    ("log_format", "of_ingress"), soak(full=[("json", "json"), ("console", "console")], quick=[("json", "console")])
)
async def test_no_secret_leaves(
    log_format: str, of_ingress: str, amqp_url: str, own_redis: Server, topology: Topology, install: Install
) -> None:
    """Not in a log at level debug, an HTTP error, a metric, a page or the headers of a dead letter."""
    word = f"原文{secrets.token_hex(8)}"
    watch = Watch({"message text": word.removeprefix("原文")})
    password = watch.secrets["Redis password"] = secrets.token_hex(12)
    await require(own_redis, password)
    async with (
        install(
            amqp_url=amqp_url,
            redis_url=with_password(own_redis.url, password),
            topology=topology,
            WXBUS_LOG_LEVEL="debug",
            WXBUS_LOG_FORMAT=log_format,
        ) as installation,
        SandboxClient.open(installation.sandbox_url) as sandbox,
        asyncio.timeout(300),
    ):
        watch.secrets |= named(installation.credentials)
        await installation.sandbox()
        token = await installation.token()
        ingress = await installation.ingress(WXBUS_LOG_FORMAT=of_ingress)
        worker = await installation.worker("tests.support.leaky:router", WXBUS_WORKER_RETRY_DELAYS="1s")

        await play_calls_for_tokens(watch, installation, sandbox)
        await play_callbacks(watch, installation, word)
        await play_messages(watch, installation, sandbox, word, partial(settled, amqp_url, topology, [worker]))
        await play_failing_fetches(watch, installation, sandbox)
        await publish_garbage(amqp_url, topology, word)
        await settled(amqp_url, topology, [worker])
        await play_strangers(watch, installation, amqp_url, own_redis.url)
        await asyncio.to_thread(own_redis.kill)
        await look_at(watch, [token, ingress, worker])
        await asyncio.to_thread(own_redis.start)
        await require(own_redis, password)
        await sandbox.text(ACCOUNT, f"parse {word}")
        await settled(amqp_url, topology, [worker])
        await look_at(watch, [token, ingress, worker])

        watch.secrets["session key"] = await session_key(installation, own_redis.url, password)
        letters = await dead_letters(amqp_url, topology)
        logs = {name: service.said() for name, service in installation.services.items()}
        answers = {f"answer {number} to {asked}": got for number, (asked, got) in enumerate(watch.answers)}
        headers = {f"headers of dead letter {number}": headers for number, headers in enumerate(letters)}
        assert list(watch.leaks(logs | answers | headers)) == []

        # All of it has happened: else nothing could have leaked.
        assert word in [sent.content for sent in await sandbox.sent(account=ACCOUNT)]
        assert len([name for name in watch.secrets if name.startswith("access token")]) >= 2
        assert {"reject", "attempts", "unreadable"} <= {json.loads(headers)["death_reason"] for headers in letters}
        assert all(event in logs["ingress"] for event in ("callback.accepted", "callback.rejected"))
        assert all(event in logs["worker"] for event in ("delivery.failed", "delivery.dead_lettered", "reply.sent"))
        assert "Traceback" in logs["worker"]
        assert all(event in logs["token"] for event in ("rpc.call", "token.fetch_failed"))


async def test_what_does_not_start_says_why_without_the_value(
    amqp_url: str, redis_url: str, topology: Topology, install: Install
) -> None:
    """A setting that is wrong is named on the way out; what it holds, a password perhaps, is not shown."""
    secret = secrets.token_hex(12)
    wrong = {
        "wxbus_ingress": {"WXBUS_AMQP_URL": f"amqp://user:{secret}@127.0.0.1:port/"},
        "wxbus_worker": {
            "WXBUS_AMQP_URL": f"amqp://user:{secret}@[127.0.0.1/",
            "WXBUS_REDIS_URL": f"redis://:{secret}@127.0.0.1:port/0",
        },
        "wxbus_gateway": {
            "WXBUS_AMQP_URL": f"https://user:{secret}@127.0.0.1/",
            "WXBUS_REDIS_URL": f"{secret}@127.0.0.1",
        },
        "wxbus_token": {"WXBUS_TOKEN_ENCRYPTION_KEYS": f"id:{secret}"},
    }
    async with install(amqp_url=amqp_url, redis_url=redis_url, topology=topology) as installation:
        given = {
            "WXBUS_WORKER_APP": "tests.support.leaky:router",
            "WXBUS_WORKER_TOKEN_API_KEY": installation.credentials.api_key,
            "WXBUS_TOKEN_ENCRYPTION_KEYS": installation.credentials.encryption_key,
            "WXBUS_TOKEN_API_KEYS_FILE": str(installation.folder / "keys.toml"),
            **{f"WXBUS_{name}ADMIN_PORT": "0" for name in ("INGRESS_", "WORKER_", "TOKEN_")},
            **{f"WXBUS_{name}PORT": "0" for name in ("INGRESS_", "TOKEN_")},
        }
        services = [
            installation.describe(f"wrong {module}", module, port=free_port(), env={**given, **variables})
            for module, variables in wrong.items()
        ]
        ends = await asyncio.gather(*(service.start() for service in services), return_exceptions=True)
        said = [service.said() for service in services]
    assert [type(end) for end in ends] == [RuntimeError] * len(wrong)
    assert [text for text in said if secret in text] == []
    assert [
        variable
        for variables, text in zip(wrong.values(), said, strict=True)
        for variable in variables
        if variable not in text
    ] == []
    assert [text for text in said if "Traceback" in text or not text.strip()] == []


def named(credentials: Credentials) -> dict[str, str]:
    """Return an installation's secrets by name; of keys, the part that is secret."""
    return {
        "console token": credentials.token,
        "AES key": credentials.aes_key,
        "appsecret": credentials.secret,
        "API key": credentials.api_key.split("_", 2)[2],
        "encryption key": credentials.encryption_key.partition(":")[2],
    }


def pushing(credentials: Credentials) -> Callable[..., Push]:
    """Return `a_push` with these credentials."""
    return partial(a_push, token=credentials.token, aes_key=credentials.aes_key, receive_id=APPID)


async def current_token(watch: Watch, installation: Installation, appid: str = APPID) -> str:
    """Return the token that the service gives."""
    value = (await call_tokens(installation, "get", appid=appid))["access_token"]
    watch.secrets[f"access token {value[-4:]}"] = value
    return value


async def call_tokens(installation: Installation, method: str, **fields: str) -> dict[str, str]:
    """Return the answer of the token service; if it is too busy, it says so and is called again."""
    url = f"http://127.0.0.1:{installation.token_port}/rpc/token/{method}"
    headers = {"Authorization": f"Bearer {installation.credentials.api_key}"}
    while True:
        async with aiohttp.request("POST", url, headers=headers, json=fields) as answer:
            if answer.status != 503:
                assert answer.status == 200
                found: dict[str, str] = await answer.json()
                return found
        await asyncio.sleep(0.1)


async def play_calls_for_tokens(watch: Watch, installation: Installation, sandbox: SandboxClient) -> None:
    """Call the token service rightly and wrongly; WeChat fails it, and says the token aloud in an error."""
    rpc, key = f"http://127.0.0.1:{installation.token_port}/rpc/token", installation.credentials.api_key
    right = {"Authorization": f"Bearer {key}"}

    first = await current_token(watch, installation)
    await sandbox.invalidate_tokens(APPID)
    await call_tokens(installation, "report_invalid", appid=APPID, token=first)
    second = await current_token(watch, installation)
    assert second != first
    wrong_key = f"{key[:-8]}AAAAAAAA"
    watch.secrets["wrong API key"] = wrong_key.split("_", 2)[2]
    for headers in ({}, {"Authorization": f"Bearer {wrong_key}"}, {"Authorization": f"Basic {key}"}, {"X-Key": key}):
        await watch.ask("POST", f"{rpc}/get", headers=headers, json={"appid": APPID})
    for method, body in (
        ("report_invalid", {"appid": APPID, "token": [second]}),
        ("report_invalid", {"appid": APPID, "token": {"more": first}}),
        ("report_invalid", {"appid": first, "token": second}),
        ("get", {"appid": second}),
    ):
        await watch.ask("POST", f"{rpc}/{method}", headers=right, json=body)
    await watch.ask("POST", f"{rpc}/get", headers=right, data=f'{{"appid": "{second}')
    await watch.ask("POST", f"{rpc}/get", headers=right | {"Content-Type": second[:40]}, data=second)
    await watch.ask("GET", f"{rpc}/get?access_token={second}", headers=right)


async def play_failing_fetches(watch: Watch, installation: Installation, sandbox: SandboxClient) -> None:
    """Let WeChat fail to give a token, in the end because the secret is wrong, which it repeats in its text."""
    quoted = f"invalid appsecret, view more at rid: secret={installation.credentials.secret}"
    report = {"appid": MINI_PROGRAM_APPID, "token": await current_token(watch, installation, MINI_PROGRAM_APPID)}
    await sandbox.invalidate_tokens(MINI_PROGRAM_APPID)
    for fault in (
        Fault(path=FETCH, disconnect=True),
        Fault(path=FETCH, status=502),
        Fault(path=FETCH, errcode=40125, errmsg=quoted, times=10),
    ):
        await sandbox.fault(fault)
        await watch.ask(
            "POST",
            f"http://127.0.0.1:{installation.token_port}/rpc/token/report_invalid",
            headers={"Authorization": f"Bearer {installation.credentials.api_key}"},
            json=report,
        )


async def play_callbacks(watch: Watch, installation: Installation, word: str) -> None:
    """Send to ingress what is no callback, or not a good one, with the user's words in it."""
    url = f"http://127.0.0.1:{installation.ingress_port}/wechat/{ACCOUNT}"
    push = pushing(installation.credentials)
    good, plain = push(a_text(word)), push(a_text(word), mode=Mode.PLAIN)
    when, nonce = good.query["timestamp"], good.query["nonce"]
    watch.secrets["expected signature"] = sign(installation.credentials.token, when, nonce)
    bad = [
        (good.but(signature="0" * 40, msg_signature="0" * 40).query, good.body),
        (good.but(msg_signature=None).query, good.body),
        (good.query, good.body[:-40]),
        (good.query, good.body.replace(b"Encrypt", b"Content")),
        (good.but(timestamp="1").query, good.body),
        (plain.query, plain.body),
        ({}, plain.body),
        ({"access_token": watch.secrets["console token"]}, plain.body),
        (push(a_text(word), receive_id="wxanother").query, good.body),
    ]
    for body in (
        f"<xml><Content>{word}</xml>".encode(),
        f'<!DOCTYPE x [<!ENTITY a "{word}">]><xml><Content>&a;</Content></xml>'.encode(),
        f'{{"Content": "{word}", '.encode(),
        f"<xml>{'<a>' * 200}{word}{'</a>' * 200}</xml>".encode(),
        word.encode("utf-16"),
        b"",
    ):
        broken = push(body)
        bad += [(broken.query, broken.body), (good.query, body)]
    for query, body in bad:
        await watch.ask("POST", url, params=query, data=body)
    await watch.ask("POST", f"{url}s", params=good.query, data=good.body)
    await watch.ask("POST", url, params=good.query, data=io.BytesIO(word.encode() * 100_000))
    await watch.ask("PUT", url, params=good.query, data=good.body)
    await watch.ask(
        "GET", url, params={**good.query, "echostr": word, "signature": "0" * 40, "msg_signature": "0" * 40}
    )
    await watch.ask("GET", url)
    await raw(watch, installation.ingress_port, f"POST /wechat/{ACCOUNT} HTTP/9 {word}\r\n{word}\r\n\r\n".encode())
    await raw(watch, installation.ingress_port, f"\x00{installation.credentials.token}\r\n\r\n".encode())


async def play_messages(
    watch: Watch, installation: Installation, sandbox: SandboxClient, word: str, calm: Callable[[], Awaitable[None]]
) -> None:
    """Users write what makes handlers and WeChat's API fail; `calm` returns when the worker is through with it."""
    await sandbox.text(ACCOUNT, word, copies=2)
    for number, how in enumerate(("parse", "raise", "reject", "later", "keep", "stranger")):
        await sandbox.text(ACCOUNT, f'{how} {word}\n"{word}"', openid=f"oUserNumber{number}")
    await sandbox.event(ACCOUNT, "CLICK", fields={"EventKey": word})
    await calm()
    for number, fault in enumerate(
        (
            Fault(path=SEND, errcode=45047),
            Fault(path=SEND, errcode=47001),
            Fault(path=SEND, errcode=-1),
            Fault(path=SEND, errcode=40001),
            Fault(path=SEND, status=502),
            Fault(path=SEND, disconnect=True),
        )
    ):
        token = await current_token(watch, installation)
        quoted = f"invalid credential, access_token={token} is not latest, rid: {token}"
        await sandbox.fault(fault.model_copy(update={"errmsg": quoted}))
        await sandbox.text(ACCOUNT, word, openid=f"oUserOfFault{number}")
        await calm()
    code = watch.secrets["js_code"] = await sandbox.js_code(MINI_PROGRAM, openid=MINI_USER)
    await sandbox.text(MINI_PROGRAM, f"login {code}", openid=MINI_USER)
    await calm()
    await sandbox.text(MINI_PROGRAM, f"login {code}", openid=MINI_USER)
    await sandbox.fault(Fault(path=LOGIN, disconnect=True))
    await sandbox.text(MINI_PROGRAM, f"login {code}", openid=MINI_USER)


async def publish_garbage(amqp_url: str, topology: Topology, word: str) -> None:
    """Put messages into the inbox that are no envelopes."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.inbox.name)
        await exchange.publish(aio_pika.Message(word.encode()), routing_key="0")
        await exchange.publish(aio_pika.Message(word.encode(), message_id="1", type="callback"), routing_key="1")


async def play_strangers(watch: Watch, installation: Installation, amqp_url: str, redis_url: str) -> None:
    """Start services whose passwords RabbitMQ and Redis refuse, and look at what they say about it."""
    password = watch.secrets["wrong password"] = secrets.token_hex(12)
    ingress_port, admin_port = free_port(), free_port()
    ingress = installation.describe(
        "stranger-ingress",
        "wxbus_ingress",
        port=ingress_port,
        env={
            "WXBUS_AMQP_URL": with_password(amqp_url, password, user="stranger"),
            "WXBUS_INGRESS_PORT": str(ingress_port),
            "WXBUS_INGRESS_ADMIN_PORT": str(admin_port),
            "WXBUS_INGRESS_BUDGET": "0.5",
            "WXBUS_INGRESS_SPOOL_DIR": str(installation.folder / "stranger"),
        },
    )
    worker_port = free_port()
    worker = installation.describe(
        "stranger-worker",
        "wxbus_worker",
        port=worker_port,
        env={
            "WXBUS_REDIS_URL": with_password(redis_url, password),
            "WXBUS_WORKER_APP": "tests.support.leaky:router",
            "WXBUS_WORKER_TOKEN_API_KEY": installation.credentials.api_key,
            "WXBUS_WORKER_ADMIN_PORT": str(worker_port),
        },
    )
    for stranger, port, refusal in ((ingress, admin_port, "ACCESS_REFUSED"), (worker, worker_port, "password")):
        installation.services[stranger.name] = stranger
        try:
            await stranger.start()
            await until_it_says(watch, f"http://127.0.0.1:{port}/readyz", refusal)
            if stranger is ingress:
                push = pushing(installation.credentials)(a_text(watch.secrets["message text"]))
                url = f"http://127.0.0.1:{ingress_port}/wechat/{ACCOUNT}"
                await watch.ask("POST", url, params=push.query, data=push.body)
        finally:
            await stranger.end()


async def until_it_says(watch: Watch, url: str, wanted: str) -> None:
    """Ask until the answer holds what is wanted."""
    said = ""
    while wanted not in said:
        with suppress(aiohttp.ClientConnectorError):  # the admin port may come after the public one
            said = await watch.ask("GET", url)
        await asyncio.sleep(0.1)


async def look_at(watch: Watch, services: list[Service]) -> None:
    """Keep what the admin ports answer."""
    for service in services:
        assert service.ready
        for path in ("/metrics", "/readyz", "/healthz", "/nothing"):
            await watch.ask("GET", service.ready.removesuffix("/readyz") + path)


async def raw(watch: Watch, port: int, request: bytes) -> None:
    """Send bytes that are no HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    watch.answers.append(("bytes", (await reader.read()).decode(errors="replace")))
    writer.close()
    await writer.wait_closed()


async def session_key(installation: Installation, redis_url: str, password: str) -> str:
    """Return the session key of the user who logged in, from where the handler kept it."""
    async with open_store(with_password(redis_url, password)) as store:
        contexts = RedisContextStore(store, namespace=installation.topology.namespace, policy=ContextPolicy())
        key = ContextKey(MINI_PROGRAM_APPID, MINI_USER, f"{MINI_PROGRAM_APPID}:{MINI_USER}")
        return str((await contexts.open(key, "")).context.storage["session_key"])


async def dead_letters(amqp_url: str, topology: Topology) -> list[str]:
    """Return the properties and headers of all dead letters, as JSON."""
    found = []
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(topology.dead_queue.name)
        while letter := await queue.get(no_ack=True, fail=False):
            found.append(json.dumps({**letter.info(), **letter.headers}, default=str, ensure_ascii=False))
    return found


async def require(redis: Server, password: str) -> None:
    """Let Redis ask for a password."""
    async with Redis.from_url(redis.url) as client:
        await client.config_set("requirepass", password)


def with_password(url: str, password: str, *, user: str = "") -> str:
    """Return the address with another user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))
