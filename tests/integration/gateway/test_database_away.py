"""The database of users is unavailable."""

import asyncio

import pytest
import structlog
from pydantic import SecretStr

from tests.support.gateway import Gateways
from tests.support.postgres import postgresql
from tests.support.proxy import proxied

pytestmark = [pytest.mark.integration, pytest.mark.programs("initdb")]

WAIT = 60.0


async def test_a_gateway_waits_for_its_database(world: Gateways) -> None:
    """Started before PostgreSQL, it serves once that is there; logins are a 503 while it is away, sessions go on."""
    with postgresql() as address:
        async with proxied(address) as (proxy, url):
            await proxy.refuse()
            database = SecretStr(url)
            with structlog.testing.capture_logs() as logs:
                starting = world.running(database_url=database)
                start = asyncio.create_task(starting.__aenter__())
                async with asyncio.timeout(WAIT):
                    while not any(one.get("task") == "tables of users" for one in logs):  # noqa: ASYNC110 - logs cannot be awaited
                        await asyncio.sleep(0.05)
            await proxy.listen()
            visitor = await start
            try:
                visit = visitor()
                assert (await world.log_in(visit)).status == 200
                await proxy.refuse()
                away = await world.log_in(visitor())
                assert (away.status, (await visit.call("cafe/session")).status) == (503, 200)
                await proxy.listen()
                while (again := await world.log_in(visitor())).status == 503:
                    pass  # a busy database may take longer to connect than the gateway waits
                assert again.status == 200
            finally:
                await starting.__aexit__(None, None, None)
