"""The sample of docs/how-to/handlers.md that reads contexts from elsewhere, on a real Redis."""

from typing import Any

import pytest

from tests.support.readme import ROOT, samples_of
from tests.support.stores import open_store
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

pytestmark = pytest.mark.integration

APPID = "wx0123456789abcdef"


@pytest.mark.parametrize("page", ["handlers.md", "handlers.zh-CN.md"])
@pytest.mark.usefixtures("redis")
async def test_other_programs_read_contexts(redis_url: str, namespace: str, page: str) -> None:
    """What a handler kept is there, typed; who never wrote has nothing."""
    changes = {"redis://127.0.0.1:6379/0": redis_url, 'namespace="wxbus"': f'namespace="{namespace}"'}
    with samples_of(ROOT / "docs/how-to" / page, changes) as samples:
        async with open_store(redis_url) as store:
            contexts = RedisContextStore(store, namespace=namespace, policy=ContextPolicy(storage=samples.CartState))
            key = ContextKey.of_user(APPID, "o_1")
            opened = await contexts.open(key, "m1")
            cart: Any = opened.context.storage
            cart.items = ["tea"]
            await contexts.commit(key, "m1", opened, [], attempt_id="r1")

        assert await samples.items_of("o_1") == ["tea"]
        assert await samples.items_of("o_2") == []
