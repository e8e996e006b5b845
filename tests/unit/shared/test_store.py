"""The store's calls, whatever its client does."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store

SCRIPT = Script("any", "return 1")


class SwallowingRedis:
    """A client that goes on when it is cancelled, as redis-py may on Python 3.11."""

    def __init__(self, outcome: Exception | None = None) -> None:
        self.called = asyncio.Event()
        self._outcome = outcome

    def register_script(self, source: str) -> Any:
        """A script whose answer comes at the moment of the cancellation."""

        async def call(**_: object) -> int:
            return await self.execute_command(source)

        call.script = source  # type: ignore[attr-defined]
        return call

    async def execute_command(self, *_: object) -> int:
        """As above."""
        self.called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._outcome:
                raise self._outcome from None
        return 1


@pytest.mark.parametrize("outcome", [None, RedisConnectionError("lost")])
@pytest.mark.parametrize("call", [lambda store: store.run(SCRIPT, keys=[]), lambda store: store.command("PING")])
async def test_a_swallowed_cancellation_is_raised_again(call: Any, outcome: Exception | None) -> None:
    """A loop of calls ends when it is cancelled: a worker's sweeper went on for ever, and SIGTERM ended in nothing."""
    redis = SwallowingRedis(outcome)
    task = asyncio.create_task(call(Store(redis)))  # type: ignore[arg-type]  # what of a client is used
    await redis.called.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_around_a_call_stays_a_timeout() -> None:
    """The caller's deadline is told as such, also if the client swallowed it."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await Store(SwallowingRedis()).command("PING")  # type: ignore[arg-type]  # what of a client is used


async def test_an_error_of_the_client_is_ours() -> None:
    """Nobody above the store sees an error of redis-py."""

    class Failing(SwallowingRedis):
        async def execute_command(self, *_: object) -> int:
            raise RedisConnectionError("lost")

    with pytest.raises(StoreUnavailable, match="PING: lost"):
        await Store(Failing()).command("PING")  # type: ignore[arg-type]  # what of a client is used
