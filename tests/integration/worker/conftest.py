"""A worker's store on a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.support.stores import open_store
from wxbus.store.store import Store


@pytest.fixture
async def store(redis_url: str, redis: Redis) -> AsyncIterator[Store]:
    """Yield a store on the test's Redis; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with open_store(redis_url) as opened:
        yield opened
