"""Fetching while Redis is unavailable, for installations that set `WXBUS_TOKEN_REFRESH_WITHOUT_STORE`."""

from collections.abc import Callable

import structlog

from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus_token.credentials.errors import LimitReached
from wxbus_token.credentials.failures import failure_of
from wxbus_token.credentials.fetcher import Fetched
from wxbus_token.credentials.storage.quota import Quota
from wxbus_token.kinds import Credential
from wxbus_token.metrics import Metrics

log = structlog.get_logger("wxbus.token")


class StorelessFetcher:
    """Fetches without lock and without storing; the wait after a failure applies to this process only."""

    def __init__(self, quota: Quota, metrics: Metrics, *, allowed: bool, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._metrics = metrics
        self._allowed = allowed
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}
        """For each credential the failures in a row, and when WeChat may be asked again."""

    def available(self, credential: Credential) -> bool:
        """Return whether WeChat may be asked now: never if concurrent fetches would invalidate one another's value."""
        _, not_before = self._failures.get(credential.name, (0, -float("inf")))
        return self._allowed and credential.idempotent and self._clock() >= not_before

    async def fetch(self, credential: Credential) -> Fetched:
        """Return a value of an available credential.

        Raises:
            TokenUnavailable: The fetch failed; the credential is not available until the wait is over.
        """
        began = self._clock()
        try:
            await self._quota.count(credential.appid)
            token = await credential.fetch(None, force=False)
        except (WeChatError, WeChatUnavailable, LimitReached) as exc:
            failures, _ = self._failures.get(credential.name, (0, 0.0))
            failure = failure_of(exc, failures)
            self._failures[credential.name] = failures + 1, self._clock() + failure.wait
            raise failure.error() from exc
        self._failures.pop(credential.name, None)
        self._metrics.fetches.labels(credential.kind, credential.appid, "without_store").inc()
        log.warning(
            "token.fetched_without_store", kind=credential.kind, appid=credential.appid, expires_in=token.expires_in
        )
        # There is nothing to store later: the next reading of Redis decides which value is used.
        return Fetched(token, began + token.expires_in, fence=0, grant_digest="", stored_at=began)
