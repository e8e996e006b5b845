"""Grants in Redis: the refresh tokens and component_verify_tickets that credentials are fetched with.

A grant is part of its credential's record, so that one step stores a value together with the refresh token of the next.
"""

from collections.abc import Sequence
from typing import Final

from wxbus.store.batches import Argument
from wxbus.store.keyring import DecryptionError, Keyring
from wxbus.store.store import Script, Store
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.redis_keys import CredentialKeys
from wxbus_token.credentials.storage.store import DAY_MS, CredentialStore
from wxbus_token.kinds import AUTHORIZER_ACCESS_TOKEN, Credential, digest_of
from wxbus_token.registry.notifications import channel_of

WRITE_GRANT: Final = Script.of("wxbus_token.lua", "write_grant.lua")
WITHDRAW_GRANT: Final = Script.of("wxbus_token.lua", "withdraw_grant.lua")
REENCRYPT_GRANT: Final = Script.of("wxbus_token.lua", "reencrypt_grant.lua")

WITHDRAWN_MS: Final = 90 * DAY_MS
"""Milliseconds for which a withdrawal is remembered."""


class GrantStore:
    """Writes and withdraws grants. Every method that writes raises StoreUnavailable and may be repeated after that."""

    def __init__(self, store: Store, keyring: Keyring, credential_store: CredentialStore, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._credential_store = credential_store
        self._keys = CredentialKeys(namespace)
        self._channel = channel_of(namespace)

    def decrypt(self, credential: Credential, record: Record) -> str | None:
        """Return the record's grant, None if it has none; raises DecryptionError."""
        return None if record.grant is None else self._keyring.decrypt(record.grant, context=credential.grant_name)

    async def write(self, credential: Credential, grant: str, *, at: int, component: str = "") -> bool:
        """Store the grant with which `credential` is fetched from now on; False if a newer grant is stored.

        Args:
            credential: The credential that is fetched with it.
            grant: A ticket or a refresh token.
            at: When it was issued, in seconds since the epoch.
            component: The platform that an account has authorised, according to WeChat just now: this is newer than
                any withdrawal, and the previous value is no longer used.
        """
        encrypted = self._keyring.encrypt(grant, context=credential.grant_name)
        authorized = int(component != "")
        args: list[Argument] = [encrypted, digest_of(grant), at, component, authorized, *self._announced(credential)]
        return bool(await self._store.run(WRITE_GRANT, keys=[self._keys.record(credential)], args=args))

    async def withdraw(self, credential: Credential, *, at: int, component: str) -> bool:
        """Delete value and grant; False if they are newer than `at`, or of another platform."""
        args: list[Argument] = [at, WITHDRAWN_MS, component, *self._announced(credential)]
        return bool(await self._store.run(WITHDRAW_GRANT, keys=[self._keys.record(credential)], args=args))

    async def component_of(self, appid: str) -> str:
        """Return the appid of the platform that the account has authorised, "" if none is known."""
        key = self._keys.record_of(AUTHORIZER_ACCESS_TOKEN, appid)
        found: bytes | None = await self._store.command("HGET", key, "component")
        return (found or b"").decode()

    async def reencrypt(self, credentials: Sequence[Credential]) -> int:
        """Encrypt with the current key the grants under other keys; return their number.

        Values are replaced every two hours, but the refresh token of an idle account may stay for months.
        """
        count = 0
        for credential, record in zip(credentials, await self._credential_store.read(credentials), strict=True):
            if record.grant is None or self._keyring.uses_current_key(record.grant):
                continue
            try:
                grant = self.decrypt(credential, record) or ""
            except DecryptionError:  # it is read from WeChat at the next fetch
                continue
            args: list[Argument] = [
                self._keyring.encrypt(grant, context=credential.grant_name),
                record.grant_digest,
            ]
            count += await self._store.run(REENCRYPT_GRANT, keys=[self._keys.record(credential)], args=args)
        return count

    def _announced(self, credential: Credential) -> tuple[str, str]:
        """Return the channel on which a script announces the change, and the credential's name."""
        return self._channel, credential.name
