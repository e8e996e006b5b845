"""One credential's value in the memory of this instance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from wxbus.store.keyring import DecryptionError
from wxbus_token.credentials.fetcher import Fetched
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import Credential, digest_of

log = structlog.get_logger("wxbus.token")


@dataclass(frozen=True, slots=True)
class CachedValue:
    """A value in memory."""

    value: str = field(repr=False)
    digest: str
    expires_at: float
    """On this process's monotonic clock."""


class Reading(NamedTuple):
    """A question to Redis: its answer is as old as the question, however late it is processed."""

    asked_at: float
    fetches: int
    """Values fetched before the question: after another one, the answer may be older than the cached value."""


class CredentialCache:
    """The value that Redis or WeChat returned last."""

    def __init__(
        self, credential_store: CredentialStore, *, max_unconfirmed: float, clock: Callable[[], float]
    ) -> None:
        """`max_unconfirmed` is how many seconds a value counts as fresh after Redis has confirmed it."""
        self._credential_store = credential_store
        self._max_unconfirmed = max_unconfirmed
        self._clock = clock
        self._cached: CachedValue | None = None
        self._confirmed_at = -float("inf")
        self._store_unavailable = False
        self._logged_digest = ""
        self.unstored: Fetched | None = None
        """The cached value as it was fetched, if it could not be stored in Redis."""
        self._fetches = 0

    def remaining(self, cached: CachedValue) -> float:
        """Return the seconds until a value expires."""
        return cached.expires_at - self._clock()

    def valid(self) -> CachedValue | None:
        """Return the value, if it has not expired."""
        return self._cached if self._cached is not None and self.remaining(self._cached) > 0 else None

    def fresh(self) -> CachedValue | None:
        """Return the valid value, if Redis confirmed it lately or is unavailable."""
        confirmed = self._clock() - self._confirmed_at < self._max_unconfirmed
        return self.valid() if self._store_unavailable or confirmed else None

    def has(self, digest: str) -> bool:
        """Return whether the value has this digest."""
        return self._cached is not None and self._cached.digest == digest

    def reading(self) -> Reading:
        """Return the reading that begins now."""
        return Reading(self._clock(), self._fetches)

    def outdated(self, reading: Reading) -> bool:
        """Return whether a value was fetched since the reading began."""
        return reading.fetches != self._fetches

    def confirm(self, reading: Reading) -> None:
        """Note that the record had not changed when it was read."""
        self._store_unavailable, self._confirmed_at = False, reading.asked_at

    def update(self, credential: Credential, record: Record, reading: Reading) -> bool:
        """Update the value from a record; False if the value is newer and not stored yet."""
        self.confirm(reading)
        if self.unstored is not None:
            if record.fence < self.unstored.fence and not record.withdrawn and self.valid():
                return False
            self.unstored = None
        if record.withdrawn:
            self._cached = None
        if not record.digest:
            return True  # Redis lost the record; the cached value stays valid
        if record.rejected or record.expires_in <= 0:
            self._cached = None
            return True
        expires_at = reading.asked_at + record.expires_in  # early by the time of the answer, never late
        if self._cached is not None and self._cached.digest == record.digest:
            self._cached = CachedValue(self._cached.value, record.digest, expires_at)
        else:
            self._cached = self._decrypted(credential, record, expires_at)
        return True

    def put(self, fetched: Fetched) -> CachedValue:
        """Cache a value that was fetched just now."""
        if fetched.stored_at is not None:
            self._confirmed_at = fetched.stored_at
        else:
            self.unstored = fetched
            self._store_unavailable = True
        self._fetches += 1
        value = fetched.token.value
        self._cached = cached = CachedValue(value, digest_of(value), fetched.expires_at)
        return cached

    def clear(self) -> None:
        """Drop the value."""
        self._cached = self.unstored = None

    def mark_store_unavailable(self) -> None:
        """Serve a valid value without confirmation, until Redis answers again."""
        self._store_unavailable = True

    def _decrypted(self, credential: Credential, record: Record, expires_at: float) -> CachedValue | None:
        try:
            return CachedValue(self._credential_store.decrypt(credential, record), record.digest, expires_at)
        except DecryptionError as exc:
            if self._logged_digest != record.digest:  # once, not at every reading
                self._logged_digest = record.digest
                log.bind(kind=credential.kind, appid=credential.appid).error("token.not_decrypted", reason=str(exc))
            return None
