"""Who may call: API keys and certificates of the file, and those registered while the service runs.

With Redis away the keys that were last read go on, and those that end do end.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from wxbus.config.watched_file import WatchedFile
from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import ApiKeys, KeyEntry, new_key
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.auth.scopes import Scope, allowed
from wxbus.store.store import Store
from wxbus_token.registry.models import RegisteredKey
from wxbus_token.registry.register import Register


class ApiKeyRegistry:
    """All keys (implements `wxbus.rpc.auth.keys.Authenticator`), and how registered ones change."""

    def __init__(self, file: WatchedFile[Sequence[KeyEntry]], register: Register[RegisteredKey], uses: "Uses") -> None:
        self._register = register
        self._uses = uses
        self._take(file.current)
        file.on_change(self._take)
        register.on_change(self._put_together)

    def __call__(self, credentials: str) -> Principal | None:
        """Return whose API key it is."""
        principal = self._keys(credentials)
        if principal is not None:
            self._uses.note(principal.key)
        return principal

    def by_certificate(self, subject: str) -> Principal | None:
        """Return who has a certificate with this subject."""
        principal = self._keys.by_certificate(subject)
        if principal is not None:
            self._uses.note(principal.key)
        return principal

    def __len__(self) -> int:
        return len(self._keys)

    async def listed(self) -> list[tuple[KeyEntry, datetime | None]]:
        """Return every key and when it was last used."""
        used = await self._uses.read()
        return [(entry, used.get(entry.key)) for entry in (*self._file, *self._registered())]

    async def add(
        self, name: str, scopes: Sequence[str], *, by: Principal, life: float | None = None, subject: str | None = None
    ) -> tuple[str | None, RegisteredKey]:
        """Register a key, or a certificate's subject; return the key, which nobody can show again, and its entry.

        Raises:
            RpcFailure: 403 for scopes that `by` has not, 409 for a name or a subject that is taken.
            StoreUnavailable: Redis does not answer: it may or may not be registered.
        """
        return await self._add(name, scopes, by=by, life=life, subject=subject, further=False)

    async def _add(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        by: Principal,
        life: float | None = None,
        subject: str | None = None,
        further: bool,
    ) -> tuple[str | None, RegisteredKey]:
        """Register a key; `further`: beside others of the same name."""
        _may_give(by, scopes)
        created = self._register.moment()
        expires = None if life is None else created + timedelta(seconds=life)
        if subject is None:
            key, made = new_key(name, scopes, expires=expires)
        else:
            key, made = None, KeyEntry(name=name, subject=subject, scopes=tuple(scopes), expires=expires)
        entry = RegisteredKey(**made.model_dump(), created=created)

        def added(before: RegisteredKey | None) -> RegisteredKey:
            if before is not None or any(entry.key == other.key for other in self._file):
                raise RpcFailure(409, "Taken", detail="this subject is known already")
            others = [*self._file, *self._registered()]
            if not further and any(name == other.name for other in others):
                raise RpcFailure(409, "Taken", detail=f"{name} has a key already: rotate it, or choose another name")
            return entry

        await self._register.change(entry.key, added, alone=not further)
        return key, entry

    async def rotate(self, name: str, *, by: Principal, overlap: float) -> tuple[str, RegisteredKey]:
        """Register a further key with the scopes and the life of the newest of this name.

        Those before end after `overlap` seconds; those that have ended already are forgotten.

        Raises:
            RpcFailure: 403 for scopes that `by` has not, 404 or 409 if there is none, or only in the file.
            StoreUnavailable: Redis does not answer: part of it may have happened; repeat it.
        """
        await self._register.read()
        before = [entry for entry in self._of(name) if entry.prefix]
        if not before:
            raise RpcFailure(404, "Unknown key", detail=f"{name} has no registered API key")
        newest = max(before, key=lambda entry: entry.created)
        life = None if newest.expires is None else (newest.expires - newest.created).total_seconds()
        for entry in before:
            _may_give(by, entry.scopes)
        key, made = await self._add(name, newest.scopes, by=by, life=life, further=True)
        if key is None:
            raise RuntimeError("a key was asked for")
        now = self._register.moment()

        def ended(entry: RegisteredKey | None) -> RegisteredKey | None:
            if entry is None or (entry.expires is not None and entry.expires <= now):
                return None
            end = now + timedelta(seconds=overlap)
            return entry.model_copy(update={"expires": min(entry.expires or end, end)})

        for entry in before:
            await self._register.change(entry.key, ended)
        return key, made

    async def revoke(self, name: str, key: str | None, *, by: Principal) -> list[str]:
        """Forget the registered keys of this name, or the one with this prefix or subject; return which.

        Raises:
            RpcFailure: 403 for a key with scopes that `by` has not, 404 or 409 if there is none, or only in the file.
            StoreUnavailable: Redis does not answer: part of it may have happened; repeat it.
        """
        await self._register.read()
        found = [entry for entry in self._of(name) if key in (None, entry.key)]
        for entry in found:
            _may_give(by, entry.scopes)
        gone = [entry.key for entry in found]
        if not gone:
            raise RpcFailure(404, "Unknown key", detail=f"{name} has no such registered key")
        for each in gone:
            await self._register.change(each, lambda _: None)
        await self._uses.forget(gone)
        return gone

    def _of(self, name: str) -> list[RegisteredKey]:
        found = [entry for entry in self._registered() if entry.name == name]
        if not found and any(entry.name == name for entry in self._file):
            raise RpcFailure(409, "In the API keys file", detail="this key stands in the file: change it there")
        return found

    def _registered(self) -> list[RegisteredKey]:
        known = {entry.key for entry in self._file}
        return [entry for key, entry in sorted(self._register.entries.items()) if key not in known]

    def _take(self, filed: Sequence[KeyEntry]) -> None:
        self._file = tuple(filed)
        self._put_together()

    def _put_together(self) -> None:
        self._keys = ApiKeys.of([*self._file, *self._registered()], clock=self._register.now)


def _may_give(giver: Principal, scopes: Sequence[str]) -> None:
    for scope in scopes:
        if not allowed(giver.scopes, Scope.parse(scope).words):
            raise RpcFailure(
                403, "Beyond your own scopes", detail=f"keys with the scope {scope} need a caller who has that scope"
            )


class Uses:
    """When each key was last used, kept in Redis; written down as often as the registers are read."""

    def __init__(self, store: Store, *, namespace: str, now: Callable[[], float]) -> None:
        """`now` gives seconds since the epoch on the clock that all instances share."""
        self._store = store
        self._key = f"{namespace}:token:{{keys}}:used"
        self._now = now
        self._noted: set[str] = set()

    def note(self, key: str) -> None:
        """A key is being used."""
        self._noted.add(key)

    async def write(self) -> None:
        """Note in Redis what was used since the last time; raises StoreUnavailable."""
        if self._noted:
            noted = frozenset(self._noted)
            await self._store.command("HSET", self._key, *(part for key in noted for part in (key, int(self._now()))))
            self._noted -= noted  # only now: with Redis away they are written later

    async def read(self) -> dict[str, datetime]:
        """Return when each was last used; raises StoreUnavailable."""
        found: dict[bytes, bytes] = await self._store.command("HGETALL", self._key)
        return {key.decode(): datetime.fromtimestamp(int(moment), UTC) for key, moment in found.items()}

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget keys that are gone; raises StoreUnavailable."""
        await self._store.command("HDEL", self._key, *keys)
