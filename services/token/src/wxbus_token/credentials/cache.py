"""What an instance has in memory of one credential, and how sure of it it is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from wxbus_token.credentials.fetcher import Fetched
from wxbus_token.credentials.record import Record
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.kinds import Credential, digest_of
from wxbus_token.registry.keyring import Unsealable

log = structlog.get_logger("wxbus.token")


@dataclass(frozen=True, slots=True)
class Held:
    """A value in memory."""

    value: str = field(repr=False)
    digest: str
    expires: float
    """On this process's monotonic clock."""


class CredentialCache:
    """The value in memory, by what Redis or WeChat said last."""

    def __init__(self, credential_store: CredentialStore, *, trust: float, clock: Callable[[], float]) -> None:
        """`trust` is for how many seconds what Redis said is believed, unless it is away."""
        self._credential_store = credential_store
        self._trust = trust
        self._clock = clock
        self._held: Held | None = None
        self._confirmed = -float("inf")
        self._away = False
        self._unsealable = ""
        self.unstored: Fetched | None = None
        """What we hold, if Redis has not heard of it."""

    def remaining(self, held: Held) -> float:
        """Return the seconds until `held` expires."""
        return held.expires - self._clock()

    def valid(self) -> Held | None:
        """Return the value, if it has not expired."""
        return self._held if self._held is not None and self.remaining(self._held) > 0 else None

    def sure(self) -> Held | None:
        """Return the valid value, if Redis confirmed it lately or is away."""
        return self.valid() if self._away or self._clock() - self._confirmed < self._trust else None

    def holds(self, digest: str) -> bool:
        """Say whether the value has this digest."""
        return self._held is not None and self._held.digest == digest

    def take(self, credential: Credential, record: Record) -> bool:
        """Believe what Redis has, read just now; False if what we have is newer, and Redis has not heard of it."""
        self._away, self._confirmed = False, self._clock()
        if self.unstored is not None:
            if record.fence < self.unstored.fence and not record.withdrawn and self.valid():
                return False
            self.unstored = None
        if record.withdrawn:
            self._held = None
        if not record.digest:
            return True  # Redis lost it: what we have is no worse for that
        if record.dead or record.expires_in <= 0:
            self._held = None
            return True
        expires = self._clock() + record.expires_in
        if self._held is not None and self._held.digest == record.digest:
            self._held = Held(self._held.value, record.digest, expires)
        else:
            self._held = self._opened(credential, record, expires)
        return True

    def keep(self, fetched: Fetched) -> Held:
        """Hold what WeChat gave just now."""
        if fetched.stored:
            self._confirmed = self._clock()
        else:
            self.unstored = fetched
            self._away = True
        value = fetched.token.value
        self._held = held = Held(value, digest_of(value), fetched.expires)
        return held

    def forget(self) -> None:
        """Hold nothing any more."""
        self._held = self.unstored = None

    def lose_sight(self) -> None:
        """Redis is away: what is valid serves on, unconfirmed."""
        self._away = True

    def _opened(self, credential: Credential, record: Record, expires: float) -> Held | None:
        try:
            return Held(self._credential_store.unseal(credential, record), record.digest, expires)
        except Unsealable as exc:
            if self._unsealable != record.digest:  # once, not at every reading
                self._unsealable = record.digest
                log.bind(kind=credential.kind, appid=credential.appid).error("token.unsealable", reason=str(exc))
            return None
