"""The whole service: accounts file, API keys, HTTP, a real Redis, and the sandbox as WeChat."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr, TypeAdapter

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, SECRETLESS, SHOP, Place, served, service
from wxbus.api.tokens import TokenSource
from wxbus.bus.topology import Topology
from wxbus.config.settings import StoreSettings
from wxbus.errors import TokenRefused, TokenUnavailable
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus_local.servers.ports import free_port
from wxbus_sandbox.models import Fault
from wxbus_token.api.messages import AccountRequest, StatusList
from wxbus_token.settings import CallsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

STABLE = "/cgi-bin/stable_token"
SERVING: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


async def test_wechat_accepts_the_tokens_of_the_service(place: Place) -> None:
    """Each account of the accounts file has its own token, which WeChat accepts."""
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
            assert errcode not in {40001, 40014, 42001, 41001}, "an error about the body, not about the token"


async def test_two_instances_fetch_once(place: Place) -> None:
    """A hundred calls of a client of each instance return one token, fetched once."""
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
async def test_an_invalid_token_is_replaced_once(place: Place, stuck: bool, fetched: int) -> None:
    """Twenty clients report an invalid token: one refresh, forced only if normal mode returns the invalid token."""
    async with service(place.settings) as one, service(place.settings) as two, asyncio.TaskGroup() as group:
        ready = asyncio.Barrier(20)
        for number in range(20):
            group.create_task(report_once_invalid((one, two)[number % 2], place, ready, stuck=stuck))
    assert await place.fetched() == fetched
    assert (await place.sandbox.token_counts())[SHOP].forced == int(stuck)


async def report_once_invalid(url: str, place: Place, ready: asyncio.Barrier, *, stuck: bool) -> None:
    """Get a token, and report it when WeChat has invalidated it."""
    async with TokenClient.open(url, place.key) as tokens:
        dead = await tokens.get(SHOP)
        if await ready.wait() == 0:
            await place.sandbox.invalidate_tokens(SHOP, stuck=stuck)
        await ready.wait()
        fresh = await tokens.report_invalid(SHOP, dead)
        assert fresh != dead
        assert await tokens.get(SHOP) == fresh


async def test_both_transports_return_the_same_token(place: Place, amqp_url: str, topology: Topology) -> None:
    """HTTP and RabbitMQ return the same token, and an invalid one can be reported over either."""
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


async def test_clients_survive_a_restart(place: Place) -> None:
    """A client uses its cached token while the service is down, and calls the new process afterwards."""
    settings = place.settings.model_copy(update={"port": free_port()})
    async with service(settings) as url:
        tokens_opened = TokenClient.open(url, place.key)
        tokens = await tokens_opened.__aenter__()
        before = await tokens.get(SHOP)
    assert await tokens.get(SHOP) == before
    with pytest.raises(TokenUnavailable, match="does not answer"):
        await tokens.get(CAFE)
    async with service(settings):
        assert await tokens.get(SHOP) == before
        assert await tokens.get(CAFE)
    await tokens_opened.__aexit__(None, None, None)
    assert await place.fetched() == 1


async def test_redis_away_and_back(place: Place, redis_url: str) -> None:
    """While Redis is unavailable a valid token is served over HTTP; /readyz names what is unavailable."""
    async with proxied(redis_url) as (proxy, url):
        store = StoreSettings(redis_url=SecretStr(url), namespace=place.settings.store.namespace)
        settings = place.settings.model_copy(update={"store": store})
        async with (
            served(settings) as addresses,
            aiohttp.ClientSession() as http,
        ):
            rpc, admin = (f"http://127.0.0.1:{port}" for port in (addresses.port, addresses.admin_port))
            before = await ask(http, rpc, "get", {"appid": SHOP}, place.key)
            await proxy.refuse()
            status, answer = await ask(http, rpc, "get", {"appid": SHOP}, place.key)
            assert (status, answer["access_token"]) == (200, before[1]["access_token"])
            status, answer = await ask(http, rpc, "get", {"appid": CAFE}, place.key)
            assert (status, answer["detail"]) == (503, "Redis is unavailable and no valid token is in memory")
            async with http.get(f"{admin}/readyz") as ready:
                parts = (await ready.json())["parts"]
                assert (ready.status, parts["tokens"]) == (200, "ready"), "it serves from memory"
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
    """An instance without tokens is not ready while Redis is unavailable, and is ready as soon as Redis is back."""
    async with proxied(redis_url) as (proxy, url):
        store = StoreSettings(redis_url=SecretStr(url), namespace=place.settings.store.namespace)
        settings = place.settings.model_copy(update={"store": store})
        await proxy.refuse()
        async with (
            served(settings) as addresses,
            aiohttp.ClientSession(f"http://127.0.0.1:{addresses.admin_port}") as http,
        ):
            async with http.get("/readyz") as ready:
                assert ready.status == 503
                assert (await ready.json())["parts"]["tokens"] != "ready"
            await proxy.listen()
            async with http.get("/readyz") as ready:
                assert ready.status == 200


async def test_false_reports_change_nothing(place: Place) -> None:
    """A caller reports valid tokens again and again: all keep them, with one fetch, and `status` counts the reports."""
    async with (
        service(place.settings) as url,
        TokenClient.open(url, place.key) as false_reporter,
        TokenClient.open(url, place.shop_key) as honest,
        Client.open(url, place.admin_key) as admin,
    ):
        token = await false_reporter.get(SHOP)
        for _ in range(25):
            assert await false_reporter.report_invalid(SHOP, token) == token
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


async def test_scopes_are_per_method_and_account(place: Place) -> None:
    """A key has access to its methods and accounts only; an account without a secret is as unknown as a missing one."""
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


async def test_a_refusal_of_wechat_reaches_the_caller(place: Place) -> None:
    """The caller gets WeChat's code and the wait; WeChat is asked once."""
    await place.sandbox.fault(Fault(path=STABLE, errcode=40125, times=1))
    async with service(place.settings) as url, TokenClient.open(url, place.key) as tokens:
        for _ in range(5):
            with pytest.raises(TokenRefused, match="40125") as caught:
                await tokens.get(SHOP)
            assert (caught.value.retry_after or 0) > 60
        assert await tokens.get(CAFE), "other accounts are not affected"
    assert await place.fetched() == 0


async def test_a_busy_wechat_is_asked_again(place: Place) -> None:
    """After error -1 WeChat is asked again after the wait, and the client's retries bridge it."""
    await place.sandbox.fault(Fault(path=STABLE, errcode=-1, times=1))
    async with service(place.settings) as url, TokenClient.open(url, place.key) as tokens:
        assert await tokens.get(SHOP)
    assert await place.fetched() == 1


async def test_the_process_shows_no_secret(place: Place, tmp_path: Path) -> None:
    """The process serves, stops on SIGTERM with exit code 0, and logs no token, key or secret."""
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
        lines: list[bytes] = []
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
