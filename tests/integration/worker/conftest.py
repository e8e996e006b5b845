"""A worker's store on a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.support.worker import REDIS_TIMEOUT
from wxbus.store.store import Store


@pytest.fixture
async def store(redis_url: str, redis: Redis) -> AsyncIterator[Store]:
    """Yield a store on the test's Redis; `redis` deletes its keys afterwards."""
    assert redis is not None
    async with Store.open(redis_url, answer_timeout=REDIS_TIMEOUT) as opened:
        yield opened
