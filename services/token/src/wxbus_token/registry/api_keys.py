"""API keys and client certificates: those of the API keys file, and those registered at run time.

While Redis is unavailable the keys that were read last stay valid, until they expire.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wxbus.config.watched_file import WatchedFile
from wxbus.errors import RpcFailure
from wxbus.rpc.auth.keys import ApiKeys, KeyEntry, new_key
from wxbus.rpc.auth.principal import Principal
from wxbus.rpc.auth.scopes import Scope, allowed
from wxbus_token.registry.entries import EntryStore
from wxbus_token.registry.key_usage import KeyUsage
from wxbus_token.registry.models import RegisteredKey


class ApiKeyRegistry:
    """All keys (implements `wxbus.rpc.auth.keys.Authenticator`); adds, rotates and revokes the registered ones."""

    def __init__(
        self, file: WatchedFile[Sequence[KeyEntry]], entries: EntryStore[RegisteredKey], usage: KeyUsage
    ) -> None:
        self._entries = entries
        self._usage = usage
        self._update_file(file.current)
        file.on_change(self._update_file)
        entries.on_change(self._merge)

    def __call__(self, credentials: str) -> Principal | None:
        """Return the owner of an API key."""
        principal = self._keys(credentials)
        if principal is not None:
            self._usage.record(principal.key)
        return principal

    def by_certificate(self, subject: str) -> Principal | None:
        """Return the owner of a certificate with this subject."""
        principal = self._keys.by_certificate(subject)
        if principal is not None:
            self._usage.record(principal.key)
        return principal

    def __len__(self) -> int:
        return len(self._keys)

    async def listed(self) -> list[tuple[KeyEntry, datetime | None]]:
        """Return every key and when it was used last."""
        used = await self._usage.read()
        return [(entry, used.get(entry.key)) for entry in (*self._file, *self._registered())]

    async def add(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        by: Principal,
        lifetime: float | None = None,
        subject: str | None = None,
        additional: bool = False,
    ) -> tuple[str | None, RegisteredKey]:
        """Register a key, or a certificate's subject; return the key, which is stored nowhere, and its entry.

        `additional` allows other keys of the same name.

        Raises:
            RpcFailure: 403 for scopes that `by` lacks, 409 for a name or a subject that is taken.
            StoreUnavailable: Redis does not answer: the key may or may not be registered.
        """
        _check_grantable(by, scopes)
        created = self._entries.moment()
        expires = None if lifetime is None else created + timedelta(seconds=lifetime)
        if subject is None:
            key, made = new_key(name, scopes, expires=expires)
        else:
            key, made = None, KeyEntry(name=name, subject=subject, scopes=tuple(scopes), expires=expires)
        entry = RegisteredKey(**made.model_dump(), created=created)

        def added(before: RegisteredKey | None) -> RegisteredKey:
            if before is not None or any(entry.key == other.key for other in self._file):
                raise RpcFailure(409, "Already registered", detail="this subject is registered")
            others = [*self._file, *self._registered()]
            if not additional and any(name == other.name for other in others):
                raise RpcFailure(
                    409, "Already registered", detail=f"{name} has a key already: rotate it, or choose another name"
                )
            return entry

        await self._entries.change(entry.key, added, exclusive=not additional)
        return key, entry

    async def rotate(self, name: str, *, by: Principal, overlap: float) -> tuple[str, RegisteredKey]:
        """Register another key with the scopes and the lifetime of the newest key of this name.

        The keys before expire after `overlap` seconds; those that have expired already are removed.

        Raises:
            RpcFailure: 403 for scopes that `by` lacks, 404 if there is no such key, 409 if it is in the file.
            StoreUnavailable: Redis does not answer: part of the change may be made; repeat it.
        """
        await self._entries.read()
        before = [entry for entry in self._of(name) if entry.prefix]
        if not before:
            raise RpcFailure(404, "Unknown key", detail=f"{name} has no registered API key")
        newest = max(before, key=lambda entry: entry.created)
        lifetime = None if newest.expires is None else (newest.expires - newest.created).total_seconds()
        for entry in before:
            _check_grantable(by, entry.scopes)
        key, made = await self.add(name, newest.scopes, by=by, lifetime=lifetime, additional=True)
        if key is None:
            raise RuntimeError("a key without a subject must be created")
        now = self._entries.moment()

        def expiring(entry: RegisteredKey | None) -> RegisteredKey | None:
            if entry is None or (entry.expires is not None and entry.expires <= now):
                return None
            end = now + timedelta(seconds=overlap)
            return entry.model_copy(update={"expires": min(entry.expires or end, end)})

        for entry in before:
            await self._entries.change(entry.key, expiring)
        return key, made

    async def revoke(self, name: str, key: str | None, *, by: Principal) -> list[str]:
        """Remove the registered keys of this name, or the one with this prefix or subject; return their prefixes.

        Raises:
            RpcFailure: 403 for a key with scopes that `by` lacks, 404 if there is no such key, 409 if it is in the
                file.
            StoreUnavailable: Redis does not answer: part of the change may be made; repeat it.
        """
        await self._entries.read()
        found = [entry for entry in self._of(name) if key in (None, entry.key)]
        for entry in found:
            _check_grantable(by, entry.scopes)
        revoked = [entry.key for entry in found]
        if not revoked:
            raise RpcFailure(404, "Unknown key", detail=f"{name} has no such registered key")
        for each in revoked:
            await self._entries.change(each, lambda _: None)
        await self._usage.delete(revoked)
        return revoked

    def _of(self, name: str) -> list[RegisteredKey]:
        found = [entry for entry in self._registered() if entry.name == name]
        if not found and any(entry.name == name for entry in self._file):
            raise RpcFailure(409, "In the API keys file", detail="change this key in the API keys file")
        return found

    def _registered(self) -> list[RegisteredKey]:
        in_file = {entry.key for entry in self._file}
        return [entry for key, entry in sorted(self._entries.entries.items()) if key not in in_file]

    def _update_file(self, entries: Sequence[KeyEntry]) -> None:
        self._file = tuple(entries)
        self._merge()

    def _merge(self) -> None:
        self._keys = ApiKeys.of([*self._file, *self._registered()], clock=self._entries.now)


def _check_grantable(caller: Principal, scopes: Sequence[str]) -> None:
    for scope in scopes:
        if not allowed(caller.scopes, Scope.parse(scope).words):
            raise RpcFailure(403, "Missing scope", detail=f"the caller lacks the scope {scope} of the key")
