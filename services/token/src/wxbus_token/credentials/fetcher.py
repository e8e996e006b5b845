"""One fetch from WeChat under the lock: the value, or what went wrong, is stored for all instances."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from wxbus.api.credentials import FetchedToken
from wxbus.errors import StoreUnavailable, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus.store.lock import Hold
from wxbus_token.credentials.failures import Failure, State, failure_of
from wxbus_token.credentials.quota import Guarded, Quota
from wxbus_token.credentials.record import Record
from wxbus_token.credentials.store import CredentialStore, Late
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Credential, Missing, digest_of
from wxbus_token.metrics import Metrics
from wxbus_token.registry.keyring import Unsealable

log = structlog.get_logger("wxbus.token")

WRITE_ATTEMPTS: Final = 3
SAME_AGAIN: Final = 30.0
"""Seconds until the next try if even a forced refresh gave the dead token."""
NORMAL_AGAIN: Final = 60.0
"""Seconds until normal mode is asked again at the latest, however long no forced refresh is allowed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A value that WeChat gave just now."""

    token: FetchedToken
    expires: float
    """On this process's monotonic clock."""
    fence: int
    means_digest: str
    """Of what it was fetched with."""
    confirmed: bool = False
    """It is the one before, which was reported, and it is valid."""
    stored: bool = False
    """False: Redis was away, only this process has it."""


class Fetcher:
    """Asks WeChat, and writes down what comes of it."""

    def __init__(
        self,
        credential_store: CredentialStore,
        guard: Quota,
        timing: Timing,
        metrics: Metrics,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._credential_store = credential_store
        self._guard = guard
        self._margin = timing.refresh_margin
        self._metrics = metrics
        self._clock = clock

    async def fetch(
        self, credential: Credential, record: Record, hold: Hold, *, suspected: bool = False, replace: bool = False
    ) -> Fetched | None:
        """Return the value that comes after `record`; None if our hold turned out to be late.

        Args:
            credential: Whose value it is.
            record: What Redis has.
            hold: The lock in hand.
            suspected: The value was reported and could not be checked: if WeChat gives it again it is valid.
            replace: End the value in use although it is valid.

        Raises:
            TokenUnavailable: The fetch failed; all instances keep to the wait that was noted.
        """
        began = self._clock()
        try:
            if replace and credential.forcible:
                token, confirmed = await self._force(credential, hold), False
            else:
                token, confirmed = await self._next(credential, record, hold)
            # WeChat counted from some moment after `began`: ours ends earlier rather than later.
            confirmed = confirmed or (suspected and digest_of(token.value) == record.digest)
            fetched = Fetched(token, began + token.expires_in, hold.fence, record.means_digest, confirmed)
            return await self.store(credential, fetched)
        except Late:
            return None
        except (WeChatError, WeChatUnavailable, Missing, Guarded) as exc:
            if hold.expired:  # we were frozen meanwhile: another may have what we could not get
                return None
            failure = failure_of(exc, record.failures)
            await self._note(credential, failure, hold)
            raise failure.error() from exc

    async def fetch_alone(self, credential: Credential) -> Fetched:
        """Return a value without the lock, and store nothing: only for what may be asked twice.

        Raises:
            WeChatError: WeChat refuses.
            WeChatUnavailable: No usable answer.
            TokenUnavailable: Another credential, with which this one is fetched, cannot be had.
            Guarded: WeChat was asked often enough.
        """
        began = self._clock()
        await self._guard.admit(credential.appid)
        token = await credential.fetch(None, force=False)
        self._count(credential, "alone")
        _log(credential).warning("token.fetched_without_store", expires_in=token.expires_in)
        return Fetched(token, began + token.expires_in, 0, "", stored=True)

    async def store(self, credential: Credential, fetched: Fetched) -> Fetched:
        """Return it as it is stored; with Redis away, as it is.

        Raises:
            Late: Another drew a number since; what we have is not to be used.
        """
        life = fetched.expires - self._clock()
        refresh_in = life - min(self._margin * random.uniform(0.8, 1.0), life / 2)
        token = FetchedToken(fetched.token.value, int(life), fetched.token.refresh_token)
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                await self._credential_store.write(
                    credential,
                    token,
                    refresh_in=refresh_in,
                    fence=fetched.fence,
                    means_digest=fetched.means_digest,
                    confirmed=fetched.confirmed,
                )
            except Late:
                self._count(credential, "late")
                _log(credential).warning("token.late", fence=fetched.fence)
                if not credential.repeatable:
                    # Our fetch may have ended the value that the other stored: it lives for the overlap only.
                    with suppress(StoreUnavailable):
                        await self._credential_store.mark_due(credential)
                raise
            except StoreUnavailable:
                _log(credential).warning("token.not_stored", attempt=attempt)
            else:
                return replace(fetched, stored=True)
        return fetched

    async def _next(self, credential: Credential, record: Record, hold: Hold) -> tuple[FetchedToken, bool]:
        """Return what WeChat gives, and whether it is the value that was dead, and valid all the same."""
        fetched = await self._ask(credential, record, hold, force=False)
        if not record.dead or digest_of(fetched.value) != record.digest:
            self._count(credential, "ok")
            _log(credential).info("token.fetched", forced=False, expires_in=fetched.expires_in)
            return fetched, False
        if not credential.forcible:
            return self._confirmed(credential, fetched), True
        # Normal mode gives the token that WeChat refuses: only now, and within WeChat's limits, by force.
        if wait := await self._credential_store.draw_forced(credential, fence=hold.fence):
            if await _accepted(credential, fetched.value):
                return self._confirmed(credential, fetched), True
            text = "WeChat refuses the token that it gives, and its limit of forced refreshes is reached"
            failure = Failure(text, min(wait, NORMAL_AGAIN), lasting=False, state=State.FORCE_LIMIT)
            await self._note(credential, failure, hold)
            raise failure.error()
        fetched = await self._ask(credential, record, hold, force=True)
        if digest_of(fetched.value) == record.digest:
            if await _accepted(credential, fetched.value):
                return self._confirmed(credential, fetched), True
            failure = Failure("WeChat gives the dead token again, even by force", SAME_AGAIN, lasting=False)
            await self._note(credential, failure, hold)
            raise failure.error()
        self._forced(credential, fetched)
        return fetched, False

    async def _force(self, credential: Credential, hold: Hold) -> FetchedToken:
        """Return a new value in place of one that is valid.

        Raises:
            TokenUnavailable: No forced refresh is allowed now; the value stays in use.
        """
        if wait := await self._credential_store.draw_forced(credential, fence=hold.fence):
            raise TokenUnavailable("WeChat's limit of forced refreshes is reached", retry_after=wait)
        fetched = await self._ask(credential, Record(), hold, force=True)
        self._forced(credential, fetched)
        return fetched

    def _confirmed(self, credential: Credential, fetched: FetchedToken) -> FetchedToken:
        self._count(credential, "confirmed")
        _log(credential).warning("token.confirmed", digest=digest_of(fetched.value)[:8])
        return fetched

    def _forced(self, credential: Credential, fetched: FetchedToken) -> None:
        self._count(credential, "forced")
        _log(credential).warning("token.fetched", forced=True, expires_in=fetched.expires_in)

    async def _ask(self, credential: Credential, record: Record, hold: Hold, *, force: bool) -> FetchedToken:
        """Ask WeChat once: every fetch comes through here."""
        if hold.expired:  # we were frozen: another may be asking by now
            raise Late
        try:
            means = self._credential_store.unseal_means(credential, record)
        except Unsealable as exc:
            _log(credential).error("token.means_unsealable", reason=str(exc))
            means = None
        await self._guard.admit(credential.appid)
        return await credential.fetch(means, force=force)

    async def _note(self, credential: Credential, failure: Failure, hold: Hold) -> None:
        self._count(credential, "refused" if failure.lasting else "failed")
        event = _log(credential).error if failure.lasting else _log(credential).warning
        event(
            "token.fetch_failed",
            reason=failure.text,
            errcode=failure.errcode,
            state=failure.state,
            wait=round(failure.wait, 1),
        )
        with suppress(StoreUnavailable):
            await self._credential_store.fail(credential, failure, fence=hold.fence)

    def _count(self, credential: Credential, outcome: str) -> None:
        self._metrics.fetches.labels(credential.kind, credential.appid, outcome).inc()


async def _accepted(credential: Credential, value: str) -> bool:
    """Say whether WeChat was seen to accept the value just now."""
    try:
        return credential.checkable and await credential.accepted(value)
    except WeChatUnavailable:
        return False


def _log(credential: Credential) -> Any:
    return log.bind(kind=credential.kind, appid=credential.appid)
