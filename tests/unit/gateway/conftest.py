"""The sandbox as WeChat."""

from collections.abc import AsyncIterator

import pytest

from tests.support.sandbox import World, a_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Yield a sandbox and clients for it."""
    async with a_world() as world:
        yield world
