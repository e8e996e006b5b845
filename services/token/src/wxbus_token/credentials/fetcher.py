"""One fetch from WeChat under the lock: the value, or the failure, is stored for all instances."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from wxbus.api.credentials import FetchedToken
from wxbus.errors import StoreUnavailable, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus.store.keyring import DecryptionError
from wxbus.store.lock import Hold
from wxbus_token.credentials.errors import LimitReached, StaleFence
from wxbus_token.credentials.failures import FIRST_WAIT, Failure, State, failure_of
from wxbus_token.credentials.storage.grants import GrantStore
from wxbus_token.credentials.storage.quota import Quota
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import Credential, GrantMissing, digest_of
from wxbus_token.metrics import Metrics

log = structlog.get_logger("wxbus.token")

WRITE_ATTEMPTS: Final = 3
SAME_VALUE_WAIT: Final = 30.0
"""Seconds until the next attempt if even a forced refresh returned the rejected value."""
FORCE_LIMIT_WAIT: Final = 60.0
"""Seconds after which normal mode is tried again at the latest, however long no forced refresh is allowed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A value that WeChat returned just now."""

    token: FetchedToken
    expires_at: float
    """On this process's monotonic clock."""
    fence: int
    grant_digest: str
    """Digest of the grant with which the value was fetched."""
    accepted: bool = False
    """It is the reported value, and WeChat accepts it."""
    stored_at: float | None = None
    """Start of the write to Redis, on the same clock; None if Redis was unavailable: only this process has it."""


class Fetcher:
    """Fetches values from WeChat and stores them."""

    def __init__(
        self,
        credential_store: CredentialStore,
        grants: GrantStore,
        quota: Quota,
        metrics: Metrics,
        *,
        refresh_margin: float,
        clock: Callable[[], float],
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._credential_store = credential_store
        self._grants = grants
        self._quota = quota
        self._metrics = metrics
        self._refresh_margin = refresh_margin
        self._clock = clock
        self._first_wait = first_wait

    async def fetch(
        self, credential: Credential, record: Record, hold: Hold, *, suspected: bool = False, replace: bool = False
    ) -> Fetched | None:
        """Return the value that follows `record`; None if it may be read or fetched again at once.

        That is so if another instance has taken the lock meanwhile, or if the fetch failed and a new grant has arrived.

        Args:
            credential: The credential to fetch.
            record: The record of the credential.
            hold: The lock.
            suspected: The value was reported and could not be checked: if WeChat returns it again it is valid.
            replace: End the value in use although it is valid.

        Raises:
            TokenUnavailable: The fetch failed; its wait is stored for all instances.
        """
        began = self._clock()
        try:
            if replace and credential.forcible:
                token, accepted = await self._replace(credential, hold), False
            else:
                token, accepted = await self._next(credential, record, hold)
            # WeChat's lifetime began after `began`, so the value expires here a little too early, never too late.
            accepted = accepted or (suspected and digest_of(token.value) == record.digest)
            fetched = Fetched(token, began + token.expires_in, hold.fence, record.grant_digest, accepted)
            return await self.store(credential, fetched)
        except StaleFence:
            return None
        except (WeChatError, WeChatUnavailable, GrantMissing, LimitReached) as exc:
            if hold.expired:  # this process was frozen; another instance may have succeeded meanwhile
                return None
            failure = failure_of(exc, record.failures, first_wait=self._first_wait)
            if not await self._store_failure(credential, failure, record, hold):
                return None
            raise failure.error() from exc

    async def store(self, credential: Credential, fetched: Fetched) -> Fetched:
        """Return the value as it was stored; without Redis, as it was fetched.

        Raises:
            StaleFence: Another instance has drawn a greater fence; the value must not be used.
        """
        lifetime = fetched.expires_at - self._clock()
        refresh_in = lifetime - min(self._refresh_margin * random.uniform(0.8, 1.0), lifetime / 2)
        token = FetchedToken(fetched.token.value, int(lifetime), fetched.token.refresh_token)
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            began = self._clock()
            try:
                await self._credential_store.write(
                    credential,
                    token,
                    refresh_in=refresh_in,
                    fence=fetched.fence,
                    grant_digest=fetched.grant_digest,
                    accepted=fetched.accepted,
                )
            except StaleFence:
                self._count(credential, "stale_fence")
                _log(credential).warning("token.stale_fence", fence=fetched.fence)
                if not credential.idempotent:
                    # This fetch may have ended the value that the other instance stored; it lives for the overlap only.
                    with suppress(StoreUnavailable):
                        await self._credential_store.mark_due(credential)
                raise
            except StoreUnavailable:
                _log(credential).warning("token.not_stored", attempt=attempt)
            else:
                return replace(fetched, stored_at=began)
        return fetched

    async def _next(self, credential: Credential, record: Record, hold: Hold) -> tuple[FetchedToken, bool]:
        """Return the value that WeChat issues, and whether it is the rejected value, which WeChat now accepts."""
        fetched = await self._request(credential, record, hold, force=False)
        if not record.rejected or digest_of(fetched.value) != record.digest:
            self._count(credential, "ok")
            _log(credential).info("token.fetched", forced=False, expires_in=fetched.expires_in)
            return fetched, False
        if not credential.forcible:
            return self._accepted_again(credential, fetched), True
        # Normal mode returned the value that WeChat rejects: only now is a refresh forced, within WeChat's limits.
        if wait := await self._quota.count_forced(credential, fence=hold.fence):
            if await _accepted(credential, fetched.value):
                return self._accepted_again(credential, fetched), True
            text = "WeChat returns a token that it rejects, and its limit of forced refreshes is reached"
            failure = Failure(text, min(wait, FORCE_LIMIT_WAIT), lasting=False, state=State.FORCE_LIMIT)
            await self._store_failure(credential, failure, record, hold)
            raise failure.error()
        forced = await self._request(credential, record, hold, force=True)
        if digest_of(forced.value) != record.digest:
            return self._forced(credential, forced), False
        if await _accepted(credential, forced.value):
            return self._accepted_again(credential, forced), True
        failure = Failure("WeChat returns the rejected token even by a forced refresh", SAME_VALUE_WAIT, lasting=False)
        await self._store_failure(credential, failure, record, hold)
        raise failure.error()

    async def _replace(self, credential: Credential, hold: Hold) -> FetchedToken:
        """Return a new value in place of a valid one.

        Raises:
            TokenUnavailable: No forced refresh is allowed now; the value stays in use.
        """
        if wait := await self._quota.count_forced(credential, fence=hold.fence):
            raise TokenUnavailable("WeChat's limit of forced refreshes is reached", retry_after=wait)
        return self._forced(credential, await self._request(credential, Record(), hold, force=True))

    async def _request(self, credential: Credential, record: Record, hold: Hold, *, force: bool) -> FetchedToken:
        """Ask WeChat once; every fetch under the lock goes through this method."""
        if hold.expired:  # this process was frozen; another instance may be asking by now
            raise StaleFence
        try:
            grant = self._grants.decrypt(credential, record)
        except DecryptionError as exc:
            _log(credential).error("token.grant_not_decrypted", reason=str(exc))
            grant = None
        await self._quota.count(credential.appid)
        return await credential.fetch(grant, force=force)

    def _forced(self, credential: Credential, fetched: FetchedToken) -> FetchedToken:
        self._count(credential, "forced")
        _log(credential).warning("token.fetched", forced=True, expires_in=fetched.expires_in)
        return fetched

    def _accepted_again(self, credential: Credential, fetched: FetchedToken) -> FetchedToken:
        self._count(credential, "accepted")
        _log(credential).warning("token.accepted_again", digest=digest_of(fetched.value)[:8])
        return fetched

    async def _store_failure(self, credential: Credential, failure: Failure, record: Record, hold: Hold) -> bool:
        """Return whether the failure is that of all instances now."""
        self._count(credential, "refused" if failure.lasting else "failed")
        event = _log(credential).error if failure.lasting else _log(credential).warning
        event(
            "token.fetch_failed",
            reason=failure.text,
            errcode=failure.errcode,
            state=failure.state,
            wait=round(failure.wait, 1),
        )
        try:
            return await self._credential_store.write_failure(
                credential, failure, fence=hold.fence, grant_digest=record.grant_digest
            )
        except StoreUnavailable:
            return True

    def _count(self, credential: Credential, outcome: str) -> None:
        self._metrics.fetches.labels(credential.kind, credential.appid, outcome).inc()


async def _accepted(credential: Credential, value: str) -> bool:
    """Return whether WeChat says that it accepts the value."""
    try:
        return await credential.accepted(value) is True
    except WeChatUnavailable:
        return False


def _log(credential: Credential) -> Any:
    return log.bind(kind=credential.kind, appid=credential.appid)
