"""Entries that all instances share, kept in Redis beside those of a file: accounts, API keys.

Each entry is sealed as tokens are: who can write into Redis can make neither an account nor a key.
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
from wxbus.store.store import Script, Store
from wxbus_token.registry.keyring import Keyring, Unsealable
from wxbus_token.registry.notifications import channel_of

E = TypeVar("E", bound=BaseModel)

log = structlog.get_logger("wxbus.token")

ENTRIES: Final = Script.of("wxbus_token.lua", "entries.lua")
CHANGE: Final = Script.of("wxbus_token.lua", "change.lua")
ATTEMPTS: Final = 5
NO_REVISION: Final = b"-"


@dataclass(frozen=True, slots=True)
class _Kept(Generic[E]):
    entry: E
    sealed: bytes


class Register(Generic[E]):
    """The entries of one kind, as they were last read."""

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
        """`name` stands in the keys of Redis, and in what is announced when an entry changes."""
        self.name = name
        self._store = store
        self._keyring = keyring
        self._model = model
        self._keys = [f"{namespace}:token:{{{name}}}:{what}" for what in ("entries", "revision")]
        self._channel = channel_of(namespace)
        self._clock = clock
        self._ahead = 0.0
        self._revision = NO_REVISION
        self._kept: Mapping[str, _Kept[E]] = {}
        self._takers: list[Callable[[], None]] = []

    @property
    def entries(self) -> Mapping[str, E]:
        """Return what was last read; it holds on while Redis is away."""
        return {field: kept.entry for field, kept in self._kept.items()}

    def on_change(self, taker: Callable[[], None]) -> None:
        """Call `taker` whenever entries changed."""
        self._takers.append(taker)

    def now(self) -> float:
        """Return the time on Redis's clock, which all instances share; on ours until it was read."""
        return self._clock() + self._ahead

    def moment(self) -> datetime:
        """Return the same as a date."""
        return datetime.fromtimestamp(self.now(), UTC)

    async def read(self) -> None:
        """Take what Redis has, if it changed since the last time; raises StoreUnavailable."""
        now, revision, *flat = await self._store.run(ENTRIES, keys=self._keys, args=[self._revision])
        self._ahead = int(now) / 1000 - self._clock()
        if revision == self._revision:
            return
        kept = {}
        for field, sealed in zip(flat[::2], flat[1::2], strict=True):
            if entry := self._opened(field.decode(), sealed):
                kept[field.decode()] = _Kept(entry, sealed)
        self._kept, self._revision = kept, revision
        for taker in self._takers:
            taker()
        await self._seal_anew()

    async def change(self, field: str, changed: Callable[[E | None], E | None], *, alone: bool = False) -> E | None:
        """Return what `changed` made of the entry, or None if it removed it; kept and announced.

        Args:
            field: Which entry.
            changed: Is given the entry as it is now, None if there is none; may be called more than once.
            alone: `changed` looks at other entries too: none of them may change meanwhile.

        Raises:
            StoreUnavailable: Redis does not answer: it may or may not be changed.
            Exception: Whatever `changed` raises.
        """
        for _ in range(ATTEMPTS):
            await self.read()
            kept = self._kept.get(field)
            entry = changed(kept.entry if kept else None)
            sealed = self._keyring.seal(_text(entry), about=self._about(field)) if entry else b""
            expected = self._revision if alone else NO_REVISION
            if await self._swap(field, kept.sealed if kept else b"", sealed, expected):
                await self.read()
                return entry
        raise StoreUnavailable(f"{self.name}: others changed {field} at the same time, again and again")

    async def _seal_anew(self) -> None:
        """Keep nothing under a key of yesterday, so that it can be taken away."""
        for field, kept in self._kept.items():
            if not self._keyring.is_current(kept.sealed):
                sealed = self._keyring.seal(_text(kept.entry), about=self._about(field))
                if await self._swap(field, kept.sealed, sealed):
                    log.info("token.sealed_anew", register=self.name, field=field)

    async def _swap(self, field: str, before: bytes, after: bytes, expected: bytes = NO_REVISION) -> bool:
        revision = secrets.token_hex(8)
        args: list[str | bytes] = [field, before, after, revision, self._channel, self.name, expected]
        return bool(await self._store.run(CHANGE, keys=self._keys, args=args))

    def _opened(self, field: str, sealed: bytes) -> E | None:
        try:
            return self._model.model_validate_json(self._keyring.open(sealed, about=self._about(field)))
        except Unsealable as exc:
            reason = str(exc)
        except ValidationError as exc:  # a newer release wrote it
            reason = validation_messages(exc)
        log.error("token.entry_unreadable", register=self.name, field=field, reason=reason)
        return None

    def _about(self, field: str) -> str:
        return f"{self.name}:{field}"


def _text(entry: BaseModel) -> str:
    return entry.model_dump_json(exclude_none=True)
