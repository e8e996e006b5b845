"""Reports of values that WeChat does not accept: each is checked before it counts (decision 0018)."""

from collections.abc import Callable
from typing import Final

import structlog

from wxbus.aio.buckets import Buckets
from wxbus.aio.singleflight import SingleFlight
from wxbus.errors import StoreUnavailable, TokenUnavailable, WeChatUnavailable
from wxbus_token.credentials.cache import CachedValue
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.storage.store import CredentialStore, Verdict
from wxbus_token.kinds import Credential, digest_of
from wxbus_token.metrics import Metrics

FALSE_REPORTS: Final = 10
"""False reports that one caller may make about one credential, in one instance."""
FALSE_REPORT_PERIOD: Final = 60.0
"""Seconds after which a caller may make one more."""
ATTEMPTS: Final = 3
"""After Redis lost its data, a rejected value becomes the current one again before it can be stored as rejected."""

log = structlog.get_logger("wxbus.token")


class Reports:
    """Returns the value to use in place of a reported one."""

    def __init__(self, credential_store: CredentialStore, metrics: Metrics, *, clock: Callable[[], float]) -> None:
        self._credential_store = credential_store
        self._metrics = metrics
        self._budgets: Buckets[tuple[str, str]] = Buckets(1 / FALSE_REPORT_PERIOD, FALSE_REPORTS, clock=clock)
        self._flights: SingleFlight[tuple[str, str], CachedValue] = SingleFlight()

    async def report(self, manager: CredentialManager, value: str, *, by: str) -> CachedValue:
        """Return the value to use instead of `value`; the same one if WeChat accepts it.

        `by` is the caller: after too many false reports it gets the value in use, unchecked.

        Raises:
            TokenUnavailable: There is no other value now; TokenRefused if waiting does not help.
        """
        credential = manager.credential
        if self._budgets.wait((by, credential.name)):
            self._count(credential, "over_budget")
            return await manager.get()
        key = (credential.name, digest_of(value))
        return await self._flights.do(key, lambda: self._report(manager, value, by))

    async def _report(self, manager: CredentialManager, value: str, by: str) -> CachedValue:
        digest = digest_of(value)
        for _ in range(ATTEMPTS):
            try:
                verdict = await self._verdict(manager.credential, value, by)
                if verdict is Verdict.CURRENT:
                    return await self._fetch_suspected(manager, digest)
            except StoreUnavailable as exc:
                manager.cache.mark_store_unavailable()
                return await self._report_without_store(manager, value, by, exc)
            if manager.cache.has(digest) and verdict is not Verdict.ACCEPTED:
                cached = manager.cache.valid()
                if verdict is Verdict.NONE and cached and await self._accepted(manager.credential, value, by):
                    return cached
                manager.cache.clear()
            found = await manager.obtain()
            # A value that WeChat issues again is valid, unless only a forced refresh replaces it.
            issued_again = not manager.credential.forcible and verdict is not Verdict.NONE
            if found.digest != digest or verdict is Verdict.ACCEPTED or issued_again:
                return found
        raise TokenUnavailable("WeChat returns no other token than the rejected one", retry_after=1.0)

    async def _verdict(self, credential: Credential, value: str, by: str) -> Verdict:
        """Return the verdict on a reported value; `Verdict.CURRENT` if it is in use and cannot be checked.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        digest = digest_of(value)
        verdict = await self._credential_store.report(credential, digest)
        if verdict is Verdict.CURRENT and (accepted := await self._accepted(credential, value, by)) is not None:
            verdict = await self._credential_store.report(credential, digest, accepted=accepted)
        self._count(credential, verdict.value)
        log.info("token.reported", verdict=verdict.value, digest=digest[:8], **_about(credential, by))
        return verdict

    async def _accepted(self, credential: Credential, value: str, by: str) -> bool | None:
        """Return whether WeChat accepts the value, None if that is not known; counts a false report of the caller."""
        accepted = None
        try:
            accepted = await credential.accepted(value)
        except WeChatUnavailable as exc:
            log.warning("token.report_not_checked", reason=str(exc), **_about(credential, by))
        if accepted is not False:
            self._budgets.take((by, credential.name))
        if accepted:
            log.warning("token.false_report", **_about(credential, by))
        return accepted

    async def _fetch_suspected(self, manager: CredentialManager, digest: str) -> CachedValue:
        """Return the value that WeChat's normal mode returns after a report that could not be checked.

        The value stays in use meanwhile. If WeChat returns it again it is valid.

        Raises:
            TokenUnavailable: A fetch would end the value, or WeChat does not answer.
            StoreUnavailable: Redis does not answer.
        """
        credential = manager.credential
        if not credential.idempotent:
            raise TokenUnavailable("WeChat could not be asked about the reported token", retry_after=1.0)
        deadline = manager.deadline()
        while await self._credential_store.report(credential, digest) is Verdict.CURRENT:
            async with manager.lock.hold() as hold:
                if hold is not None:
                    record = await manager.read()
                    if await self._credential_store.report(credential, digest) is Verdict.CURRENT:
                        record.check_fetch()
                        await manager.fetch(record, hold, suspected=True)
                    break
            await manager.wait_for_other(deadline)
        return await manager.obtain()

    async def _report_without_store(
        self, manager: CredentialManager, value: str, by: str, cause: StoreUnavailable
    ) -> CachedValue:
        """Return another value without Redis; never by a forced refresh, whose limits Redis counts."""
        digest, cached = digest_of(value), manager.cache.valid()
        if cached is not None and cached.digest != digest:
            return cached
        accepted = await self._accepted(manager.credential, value, by)
        if cached is not None and accepted:
            return cached
        if accepted is False:
            manager.cache.clear()
        if found := await manager.fetch_without_store():
            if found.digest != digest or accepted is not False:
                return found
            manager.cache.clear()
        raise TokenUnavailable("Redis is unavailable, a rejected token cannot be replaced", retry_after=1.0) from cause

    async def drain(self) -> None:
        """Return when no report is under way."""
        await self._flights.drain()

    async def aclose(self) -> None:
        """Stop the reports under way."""
        await self._flights.aclose()

    def _count(self, credential: Credential, verdict: str) -> None:
        self._metrics.reports.labels(credential.kind, credential.appid, verdict).inc()


def _about(credential: Credential, by: str) -> dict[str, str]:
    return {"kind": credential.kind, "appid": credential.appid, "by": by}
