"""Redis behind a TCP proxy that accepts connections and resets them, because its server is unavailable."""

import asyncio

import pytest
import structlog
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from tests.integration.worker.test_serve import (  # noqa: F401 - fixtures
    Outside,
    a_worker,
    outside,
    publish_numbers,
    settings,
)
from tests.support.proxy import proxied
from tests.support.resetting import LOOPS, run_on
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus_worker import Context, Router, TextMessage, reply
from wxbus_worker.settings import WorkerSettings

pytestmark = pytest.mark.faults

CUTS = 10
USERS = 3
EACH = 10

router = Router()


@router.text
async def count(message: TextMessage, context: Context) -> reply.Text:
    """Number the user's messages."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(f"{message.content} {context.storage['count']}")


@router.context_removed
async def forget() -> None:
    """Exist, so that the sweeper publishes expiries."""


async def serve_through_cuts(settings: WorkerSettings, topology: Topology, wechat: Outside) -> None:  # noqa: F811
    """Return once all messages were answered, though Redis was cut off ten times meanwhile."""
    async with (
        proxied(settings.store.redis_url.get_secret_value()) as (proxy, url),
        TestServer(wechat.app()) as server,
        Publisher.open(settings.bus.amqp_url.get_secret_value(), topology, name="test") as publisher,
    ):
        address = str(server.make_url("")).rstrip("/")
        cut_off = settings.model_copy(
            update={
                "store": settings.store.model_copy(update={"redis_url": SecretStr(url)}),
                "wechat": settings.wechat.model_copy(update={"wechat_api_url": address}),
                "token_url": address,
            }
        )
        async with a_worker(cut_off, router):
            sending = asyncio.create_task(publish_numbers(publisher, users=USERS, each=EACH))
            for cut in range(1, CUTS + 1):
                await wechat.until_distinct(cut)
                proxy.reset()
                await proxy.until_reset(3)
                proxy.flow()
            await sending
            await wechat.until_distinct(USERS * EACH)


@pytest.mark.parametrize("loop", LOOPS)
def test_resets_end_no_worker_and_retry_no_message(
    settings: WorkerSettings,  # noqa: F811 - the fixture
    topology: Topology,
    loop: str,
) -> None:
    """All messages are handled in order, and none counts as failed."""
    wechat = Outside()
    with structlog.testing.capture_logs() as lines:
        run_on(loop, serve_through_cuts(settings, topology, wechat))
    assert {user: list(dict.fromkeys(texts)) for user, texts in wechat.sent.items()} == {
        f"o_{user}": [f"{number} {number + 1}" for number in range(EACH)] for user in range(USERS)
    }
    assert {"delivery.retry_scheduled", "delivery.failed", "background.failed"}.isdisjoint(
        line["event"] for line in lines
    )
