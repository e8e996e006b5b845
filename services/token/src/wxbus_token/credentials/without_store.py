"""Fetching without Redis: no lock, nothing stored, and a wait after a failure that only this process knows of."""

from collections.abc import Callable

from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus_token.credentials.failures import failure_of
from wxbus_token.credentials.fetcher import Fetched, Fetcher
from wxbus_token.credentials.quota import Guarded
from wxbus_token.kinds import Credential


class WithoutStore:
    """Fetches one credential while Redis is away, if a setting allows and asking WeChat twice does no harm."""

    def __init__(self, fetcher: Fetcher, *, allowed: bool, clock: Callable[[], float]) -> None:
        self._fetcher = fetcher
        self._allowed = allowed
        self._clock = clock
        self._failures = 0
        self._after = -float("inf")

    def may(self, credential: Credential) -> bool:
        """Say whether WeChat may be asked now."""
        return self._allowed and credential.repeatable and self._clock() >= self._after

    async def fetch(self, credential: Credential) -> Fetched:
        """Return a value.

        Raises:
            TokenUnavailable: The fetch failed; `may` says no until the wait is over.
        """
        try:
            fetched = await self._fetcher.fetch_alone(credential)
        except (WeChatError, WeChatUnavailable, Guarded) as exc:
            failure = failure_of(exc, self._failures)
            self._failures += 1
            self._after = self._clock() + failure.wait
            raise failure.error() from exc
        self._failures = 0
        return fetched
