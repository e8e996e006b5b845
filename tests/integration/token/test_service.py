"""The service as it is deployed: accounts file, API keys, HTTP, a real Redis and the sandbox in WeChat's place."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr, TypeAdapter

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, SECRETLESS, SHOP, Place, service
from wxbus.api.tokens import TokenSource
from wxbus.bus.topology import Topology
from wxbus.config.settings import StoreSettings
from wxbus.errors import TokenRefused, TokenUnavailable
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus_sandbox.models import Fault
from wxbus_token.api.messages import AccountRequest, StatusList
from wxbus_token.app import serving
from wxbus_token.settings import CallsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

STABLE = "/cgi-bin/stable_token"
SERVING: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


async def test_a_token_of_the_service_is_one_that_wechat_takes(place: Place) -> None:
    """From the accounts file to a call that WeChat accepts; each account has its own."""
    async with (
        service(place.settings) as url,
        TokenClient.open(url, place.key) as tokens,
        aiohttp.ClientSession() as http,
    ):
        source: TokenSource = tokens
        for appid in (SHOP, CAFE):
            query = {"access_token": await source.get(appid)}
            async with http.post(
                f"{place.sandbox.url}/cgi-bin/message/custom/typing", params=query, data="{}"
            ) as answer:
                errcode = (await answer.json(content_type=None))["errcode"]
            assert errcode not in {40001, 40014, 42001, 41001}, "it complains of the body, not of the token"


async def test_a_hundred_gets_of_two_instances_are_one_fetch(place: Place) -> None:
    """Two instances, a client of each: one token, fetched once."""
    async with (
        service(place.settings) as one,
        service(place.settings) as two,
        TokenClient.open(one, place.key) as first,
        TokenClient.open(two, place.key) as second,
    ):
        tokens = await asyncio.gather(*(client.get(SHOP) for client in (first, second) for _ in range(100)))
    assert len(set(tokens)) == 1
    assert await place.fetched() == 1


@pytest.mark.parametrize(("stuck", "fetched"), [(False, 2), (True, 3)])
async def test_a_token_that_wechat_killed_is_replaced_once(place: Place, stuck: bool, fetched: int) -> None:
    """Twenty clients find their token dead: one refresh, forced only where normal mode gives the dead one."""
    async with service(place.settings) as one, service(place.settings) as two, asyncio.TaskGroup() as group:
        ready = asyncio.Barrier(20)
        for number in range(20):
            group.create_task(suffer((one, two)[number % 2], place, ready, stuck=stuck))
    assert await place.fetched() == fetched
    assert (await place.sandbox.token_counts())[SHOP].forced == int(stuck)


async def suffer(url: str, place: Place, ready: asyncio.Barrier, *, stuck: bool) -> None:
    """Get a token, see it die, report it."""
    async with TokenClient.open(url, place.key) as tokens:
        dead = await tokens.get(SHOP)
        if await ready.wait() == 0:
            await place.sandbox.invalidate_tokens(SHOP, stuck=stuck)
        await ready.wait()
        fresh = await tokens.report_invalid(SHOP, dead)
        assert fresh != dead
        assert await tokens.get(SHOP) == fresh


async def test_a_token_comes_over_rabbitmq_too(place: Place, amqp_url: str, topology: Topology) -> None:
    """One declaration, two transports: both give the same token, and a dead one is replaced over either."""
    calls = CallsSettings(amqp_url=SecretStr(amqp_url), namespace=topology.namespace)
    async with (
        service(place.settings.model_copy(update={"calls": calls})) as url,
        TokenClient.open(url, place.key) as over_http,
        TokenClient.open(amqp_url, place.key, topology=topology) as over_amqp,
    ):
        dead = await over_amqp.get(SHOP)
        assert await over_http.get(SHOP) == dead
        await place.sandbox.invalidate_tokens(SHOP)
        fresh = await over_amqp.report_invalid(SHOP, dead)
        assert await over_http.report_invalid(SHOP, dead) == fresh != dead
    assert await place.fetched() == 2


async def test_a_restart_is_not_noticed(place: Place) -> None:
    """The client goes on with its token while the service is down, and asks the new process afterwards."""
    async with service(place.settings) as url:
        tokens_opened = TokenClient.open(url, place.key)
        tokens = await tokens_opened.__aenter__()
        before = await tokens.get(SHOP)
    assert await tokens.get(SHOP) == before
    with pytest.raises(TokenUnavailable, match="does not answer"):
        await tokens.get(CAFE)
    port = int(url.rpartition(":")[2])
    async with service(place.settings.model_copy(update={"port": port})):
        assert await tokens.get(SHOP) == before
        assert await tokens.get(CAFE)
    await tokens_opened.__aexit__(None, None, None)
    assert await place.fetched() == 1


async def test_redis_away_and_back(place: Place, redis_url: str) -> None:
    """A valid token is served over HTTP while Redis is away; readiness says what is away."""
    async with proxied(redis_url) as (proxy, url):
        store = StoreSettings(redis_url=SecretStr(url), namespace=place.settings.store.namespace)
        settings = place.settings.model_copy(update={"store": store})
        async with (
            serving(settings, registry=CollectorRegistry()) as addresses,
            aiohttp.ClientSession() as http,
        ):
            rpc, admin = (f"http://127.0.0.1:{port}" for port in (addresses.port, addresses.admin_port))
            before = await ask(http, rpc, "get", {"appid": SHOP}, place.key)
            await proxy.refuse()
            status, answer = await ask(http, rpc, "get", {"appid": SHOP}, place.key)
            assert (status, answer["access_token"]) == (200, before[1]["access_token"])
            status, answer = await ask(http, rpc, "get", {"appid": CAFE}, place.key)
            assert (status, answer["detail"]) == (503, "the store is away and no valid token is in memory")
            async with http.get(f"{admin}/readyz") as ready:
                parts = (await ready.json())["parts"]
                assert (ready.status, parts["tokens"]) == (200, "ready"), "it serves what it has"
                assert parts["redis"] != "ready"
                assert f"access_token:{CAFE}" in parts["values"]
            await proxy.listen()
            assert (await ask(http, rpc, "get", {"appid": CAFE}, place.key))[0] == 200
            async with http.get(f"{admin}/readyz") as ready:
                assert ready.status == 200
            async with http.get(f"{admin}/metrics") as metrics:
                text = await metrics.text()
    assert f'wxbus_token_fetches_total{{appid="{SHOP}",kind="access_token",outcome="ok"}} 1.0' in text
    assert 'wxbus_rpc_calls_total{method="get",service="token",status="503"} 1.0' in text


async def test_not_ready_without_redis_and_tokens(place: Place, redis_url: str) -> None:
    """An instance that would answer no `get` says so; as soon as Redis is there it is ready."""
    async with proxied(redis_url) as (proxy, url):
        store = StoreSettings(redis_url=SecretStr(url), namespace=place.settings.store.namespace)
        settings = place.settings.model_copy(update={"store": store})
        await proxy.refuse()
        async with (
            serving(settings, registry=CollectorRegistry()) as addresses,
            aiohttp.ClientSession(f"http://127.0.0.1:{addresses.admin_port}") as http,
        ):
            async with http.get("/readyz") as ready:
                assert ready.status == 503
                assert (await ready.json())["parts"]["tokens"] != "ready"
            await proxy.listen()
            async with http.get("/readyz") as ready:
                assert ready.status == 200


async def test_false_reports_disable_no_account(place: Place) -> None:
    """A caller reports again and again the token it just got: all keep it, one fetch, and `status` says it."""
    async with (
        service(place.settings) as url,
        TokenClient.open(url, place.key) as liar,
        TokenClient.open(url, place.shop_key) as honest,
        Client.open(url, place.admin_key) as admin,
    ):
        token = await liar.get(SHOP)
        for _ in range(25):
            assert await liar.report_invalid(SHOP, token) == token
            assert await honest.get(SHOP) == token
        (status, *_) = (await admin.call("token", "status", AccountRequest(appid=SHOP), StatusList)).credentials
    assert (status.state, status.forced_in_day) == ("valid", 0)
    assert status.false_reports >= 1
    assert await place.fetched() == 1


async def ask(
    http: aiohttp.ClientSession, url: str, method: str, body: dict[str, str], key: str
) -> tuple[int, dict[str, Any]]:
    """Call a method as a program in another language would."""
    async with http.post(f"{url}/rpc/token/{method}", json=body, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_who_may_ask_for_what(place: Place) -> None:
    """A key's scopes are per method and account; an account without a secret is as unknown as one that is not there."""
    matrix = [
        (place.key, "get", SHOP, 200),
        (place.key, "get", CAFE, 200),
        (place.key, "get", SECRETLESS, 404),
        (place.key, "get", "wx-none", 404),
        (place.key, "nothing", SHOP, 404),
        (place.key, "status", SHOP, 403),
        (place.key, "refresh", SHOP, 403),
        (place.shop_key, "get", SHOP, 200),
        (place.shop_key, "get", CAFE, 403),
        (place.shop_key, "get", "wx-none", 403),
        (place.shop_key, "report_invalid", SHOP, 403),
        ("wxb_000000000000_" + "A" * 43, "get", SHOP, 401),
    ]
    async with service(place.settings) as url, aiohttp.ClientSession() as http:
        for key, method, appid, status in matrix:
            body = {"appid": appid} | ({"token": "T"} if method == "report_invalid" else {})
            assert (await ask(http, url, method, body, key))[0] == status, (method, appid)


async def test_a_wrong_secret_is_told_apart(place: Place) -> None:
    """WeChat refuses: the caller learns WeChat's code and when it is worth asking again; WeChat is asked once."""
    await place.sandbox.fault(Fault(path=STABLE, errcode=40125, times=1))
    async with service(place.settings) as url, TokenClient.open(url, place.key) as tokens:
        for _ in range(5):
            with pytest.raises(TokenRefused, match="40125") as caught:
                await tokens.get(SHOP)
            assert (caught.value.retry_after or 0) > 60
        assert await tokens.get(CAFE), "another account is not touched by it"
    assert await place.fetched() == 0


async def test_a_busy_wechat_is_asked_again(place: Place) -> None:
    """After -1 the next try is made when its time has come; the client's own repeats bridge it."""
    await place.sandbox.fault(Fault(path=STABLE, errcode=-1, times=1))
    async with service(place.settings) as url, TokenClient.open(url, place.key) as tokens:
        assert await tokens.get(SHOP)
    assert await place.fetched() == 1


async def test_nothing_secret_in_the_process(place: Place, tmp_path: Path) -> None:
    """The real process: it serves, logs, stops on SIGTERM with 0, and shows no token, key or secret."""
    settings = place.settings
    environment = {
        "WXBUS_TOKEN_PORT": "0",
        "WXBUS_TOKEN_ADMIN_PORT": "0",
        "WXBUS_TOKEN_ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value(),
        "WXBUS_TOKEN_API_KEYS_FILE": str(settings.api_keys_file),
        "WXBUS_REDIS_URL": settings.store.redis_url.get_secret_value(),
        "WXBUS_NAMESPACE": settings.store.namespace,
        "WXBUS_ACCOUNTS_FILE": str(settings.accounts.accounts_file),
        "WXBUS_WECHAT_API_URL": settings.wechat.wechat_api_url,
        "WXBUS_LOG_LEVEL": "debug",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wxbus_token", env=environment, stderr=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stderr
    try:
        lines = []
        while b'"token.serving"' not in (line := await process.stderr.readline()):
            assert line, lines
            lines.append(line)
        serving_line = SERVING.validate_json(line)
        url = f"http://127.0.0.1:{serving_line['port']}"
        async with TokenClient.open(url, place.key) as tokens:
            token = await tokens.get(SHOP)
            await place.sandbox.invalidate_tokens(SHOP)
            fresh = await tokens.report_invalid(SHOP, token)
        await place.sandbox.fault(Fault(path=STABLE, errcode=40125))
        async with TokenClient.open(url, place.key) as tokens:
            with pytest.raises(TokenRefused):
                await tokens.get(CAFE)
        process.send_signal(signal.SIGTERM)
        rest = await process.stderr.read()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    shown = b"".join(lines) + line + rest
    assert b"rpc.call" in shown
    encryption_key = settings.encryption_keys.get_secret_value().partition(":")[2]
    for secret in (token, fresh, place.key, place.key[17:], encryption_key, "SECRET-OF-SHOP", "SECRET-OF-CAFE"):
        assert secret.encode() not in shown
