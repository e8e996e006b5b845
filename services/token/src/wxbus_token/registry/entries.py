"""Entries of a registry in Redis, shared by all instances: accounts or API keys that were added at run time.

Each entry is encrypted: write access to Redis alone is not enough to create an account or a key.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from wxbus.config.validation import validation_messages
from wxbus.errors import StoreUnavailable
from wxbus.store.keyring import DecryptionError, Keyring
from wxbus.store.store import Script, Store
from wxbus_token.registry.notifications import channel_of

E = TypeVar("E", bound=BaseModel)

log = structlog.get_logger("wxbus.token")

READ_ENTRIES: Final = Script.of("wxbus_token.lua", "read_entries.lua")
CHANGE_ENTRY: Final = Script.of("wxbus_token.lua", "change_entry.lua")
ATTEMPTS: Final = 5
NO_REVISION: Final = b"-"


@dataclass(frozen=True, slots=True)
class _Stored(Generic[E]):
    entry: E
    encrypted: bytes


class EntryStore(Generic[E]):
    """The entries of one registry, as they were read last."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        model: type[E],
        *,
        namespace: str,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`name` is part of the keys in Redis, and is announced when an entry changes."""
        self.name = name
        self._store = store
        self._keyring = keyring
        self._model = model
        self._keys = [f"{namespace}:token:{{{name}}}:{part}" for part in ("entries", "revision")]
        self._channel = channel_of(namespace)
        self._clock = clock
        self._clock_offset = 0.0
        self._revision = NO_REVISION
        self._stored: Mapping[str, _Stored[E]] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def entries(self) -> Mapping[str, E]:
        """Return the entries that were read last; they stay while Redis is unavailable."""
        return {field: stored.entry for field, stored in self._stored.items()}

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each reading that found changes."""
        self._listeners.append(listener)

    def now(self) -> float:
        """Return the time on Redis's clock, which all instances share; on our clock before the first reading."""
        return self._clock() + self._clock_offset

    def moment(self) -> datetime:
        """Return `now` as a date."""
        return datetime.fromtimestamp(self.now(), UTC)

    async def read(self) -> None:
        """Read the entries from Redis if they have changed; raises StoreUnavailable."""
        asked = self._clock()
        now, revision, *flat = await self._store.run(READ_ENTRIES, keys=self._keys, args=[self._revision])
        # Redis took the time between question and answer: an answer that was slow does not move the clock.
        earliest, latest = int(now) / 1000 - self._clock(), (int(now) + 1) / 1000 - asked
        self._clock_offset = min(max(self._clock_offset, earliest), latest)
        if revision == self._revision:
            return
        stored = {}
        for field, encrypted in zip(flat[::2], flat[1::2], strict=True):
            if entry := self._decrypted(field.decode(), encrypted):
                stored[field.decode()] = _Stored(entry, encrypted)
        self._stored, self._revision = stored, revision
        for listener in self._listeners:
            listener()
        await self._reencrypt()

    async def change(self, field: str, changed: Callable[[E | None], E | None], *, exclusive: bool = False) -> E | None:
        """Return the entry that `changed` returned, None if it was removed; it is stored and announced.

        Args:
            field: Name of the entry.
            changed: Called with the current entry, None if there is none; may be called more than once.
            exclusive: `changed` reads other entries too: none of them may change meanwhile.

        Raises:
            StoreUnavailable: Redis does not answer: the entry may or may not be changed.
            Exception: Any error of `changed`.
        """
        for _ in range(ATTEMPTS):
            await self.read()
            stored = self._stored.get(field)
            entry = changed(stored.entry if stored else None)
            encrypted = self._encrypted(field, entry) if entry else b""
            expected = self._revision if exclusive else NO_REVISION
            if await self._swap(field, stored.encrypted if stored else b"", encrypted, expected):
                await self.read()
                return entry
        raise StoreUnavailable(
            f"{self.name}: {field} was changed by others at the same time, {ATTEMPTS} times in a row"
        )

    async def _reencrypt(self) -> None:
        """Encrypt with the current key the entries under other keys, so that those keys can be removed."""
        for field, stored in self._stored.items():
            if self._keyring.uses_current_key(stored.encrypted):
                continue
            if await self._swap(field, stored.encrypted, self._encrypted(field, stored.entry)):
                log.info("token.reencrypted", registry=self.name, field=field)

    async def _swap(self, field: str, before: bytes, after: bytes, expected: bytes = NO_REVISION) -> bool:
        revision = secrets.token_hex(8)
        args: list[str | bytes] = [field, before, after, revision, self._channel, self.name, expected]
        return bool(await self._store.run(CHANGE_ENTRY, keys=self._keys, args=args))

    def _encrypted(self, field: str, entry: E) -> bytes:
        return self._keyring.encrypt(entry.model_dump_json(exclude_none=True), context=f"{self.name}:{field}")

    def _decrypted(self, field: str, encrypted: bytes) -> E | None:
        try:
            return self._model.model_validate_json(self._keyring.decrypt(encrypted, context=f"{self.name}:{field}"))
        except DecryptionError as exc:
            reason = str(exc)
        except ValidationError as exc:  # a newer release wrote it
            reason = validation_messages(exc)
        log.error("token.entry_unreadable", registry=self.name, field=field, reason=reason)
        return None
