"""Caches credentials in clients of the token service: decides when to call it, and when to use the cached value."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from wxbus.aio.singleflight import SingleFlight
from wxbus.errors import TokenRefused, TokenUnavailable
from wxbus.tokens.messages import CredentialKind

FRESH_FOR: Final = 60.0
"""Seconds that a cached value is used without asking; WeChat suggests a minute (protocol reference 8.1)."""
STALE_AFTER: Final = 240.0
"""Seconds after which a cached value is used only while the service fails: WeChat accepts an old token for 300 s."""
FIRST_HOLD_OFF: Final = 1.0
LAST_HOLD_OFF: Final = 30.0
"""Seconds between requests while the service fails."""
REAUTHORIZE: Final = "reauthorize"
"""State of an account that has withdrawn its authorisation of the platform: its cached token is dropped."""


class CredentialKey(NamedTuple):
    """One credential of one account."""

    appid: str
    kind: CredentialKind | None = None
    """None: the access token."""


class CredentialValue(NamedTuple):
    """A value that the token service returned."""

    value: str
    expires_in: float
    """Seconds."""


class Source(Protocol):
    """The token service; both methods raise TokenUnavailable."""

    def get(self, key: CredentialKey, *, quick: bool) -> Awaitable[CredentialValue]:
        """Return the valid value; `quick` waits for a short time only."""

    def report(self, key: CredentialKey, value: str) -> Awaitable[CredentialValue]:
        """Return the value to use instead of `value`; the same one if WeChat accepts it."""


@dataclass(slots=True)
class _Cached:
    value: str = field(repr=False)
    asked: float
    expires: float
    hold_off: float = FIRST_HOLD_OFF / 2
    ask_after: float = 0.0
    """The service is not asked before; `hold_off` grows with each failure."""


class TokenCache:
    """Caches credentials and refreshes them.

    Concurrent requests for one credential are one call to the service. While the service fails, a value is served until
    it expires. A reported value is not served again unless WeChat accepts it.
    """

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._cache: dict[CredentialKey, _Cached] = {}
        self._reported: dict[CredentialKey, str] = {}
        self._flights: SingleFlight[tuple[CredentialKey, str], str] = SingleFlight()

    async def aclose(self) -> None:
        """Cancel all calls."""
        await self._flights.aclose()

    async def get(self, key: CredentialKey) -> str:
        """Return a valid value; raises TokenUnavailable."""
        cached = self._valid(key)
        if cached is None:
            return await self._flights.do((key, ""), lambda: self._ask(key))
        age = self._clock() - cached.asked
        if age >= FRESH_FOR and self._clock() >= cached.ask_after:
            if age >= STALE_AFTER:
                return await self._flights.do((key, ""), lambda: self._refresh(key))
            self._flights.start((key, ""), lambda: self._refresh(key))
        return cached.value

    async def report(self, key: CredentialKey, value: str) -> str:
        """Return the value to use instead of `value`; raises TokenUnavailable."""
        cached = self._valid(key)
        if cached is not None and cached.value != value:
            return cached.value
        self._cache.pop(key, None)
        self._reported[key] = value
        return await self._flights.do((key, value), lambda: self._report(key, value))

    def _valid(self, key: CredentialKey) -> _Cached | None:
        cached = self._cache.get(key)
        return cached if cached is not None and self._clock() < cached.expires else None

    async def _refresh(self, key: CredentialKey) -> str:
        """Ask with a short timeout; if the service fails, keep the cached value, unless authorisation was withdrawn."""
        try:
            return await self._ask(key, quick=True)
        except TokenUnavailable as exc:
            if isinstance(exc, TokenRefused) and exc.state == REAUTHORIZE:
                self._cache.pop(key, None)
                raise
            cached = self._valid(key)
            if cached is None:  # expired or reported meanwhile
                raise
            cached.hold_off = min(cached.hold_off * 2, LAST_HOLD_OFF)
            cached.ask_after = self._clock() + cached.hold_off * random.uniform(0.75, 1.0)
            return cached.value

    async def _ask(self, key: CredentialKey, *, quick: bool = False) -> str:
        asked = self._clock()
        value = self._store(key, asked, await self._source.get(key, quick=quick))
        reported = self._reported.get(key)
        if value != reported:
            return value
        # The instance that answered does not know of the report yet, or the answer is older than the report.
        return await self._report(key, reported)

    async def _report(self, key: CredentialKey, value: str) -> str:
        asked = self._clock()
        answer = self._store(key, asked, await self._source.report(key, value))
        if answer == value:  # WeChat accepts it
            self._reported.pop(key, None)
        return answer

    def _store(self, key: CredentialKey, asked: float, answer: CredentialValue) -> str:
        if answer.value != self._reported.get(key):
            self._cache[key] = _Cached(answer.value, asked, asked + answer.expires_in)
        return answer.value
