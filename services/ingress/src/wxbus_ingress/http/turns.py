"""Opens large bodies one after another, with pauses: before that it is not known whether WeChat signed them."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

from wxbus.errors import Overloaded

REST: Final = 2.0
"""The pause after a large body, as a multiple of the time that it took: two thirds of the time are left for others."""

T = TypeVar("T")


class Turns:
    """Gives turns in the order of arrival."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self, work: Callable[[], T], *, within: float) -> T:
        """Return what `work` does, once it is its turn.

        Raises:
            Overloaded: Its turn does not come `within` so many seconds.
        """
        try:
            async with asyncio.timeout(within):
                await self._lock.acquire()
        except TimeoutError as exc:
            raise Overloaded("too many large bodies wait for the check of their signatures") from exc
        began = perf_counter()
        try:
            return work()
        finally:
            asyncio.get_running_loop().call_later(REST * (perf_counter() - began), self._lock.release)
