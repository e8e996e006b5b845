"""A running sandbox for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.sandbox import World, a_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Return a sandbox and its clients."""
    async with a_world() as world:
        yield world
