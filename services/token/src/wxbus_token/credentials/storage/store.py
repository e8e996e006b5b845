"""The records of all credentials in Redis: values are encrypted, and each write is guarded by the lock's fence.

Times are on Redis's clock. Records are returned with seconds relative to the read, so no instance's clock matters.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from wxbus.api.credentials import FetchedToken
from wxbus.store.batches import Argument
from wxbus.store.generation import Generation
from wxbus.store.keyring import Keyring
from wxbus.store.lock import Lock
from wxbus.store.store import Script, Store
from wxbus_token.credentials.errors import StaleFence
from wxbus_token.credentials.failures import Failure
from wxbus_token.credentials.storage.record import Record, record_of
from wxbus_token.credentials.storage.redis_keys import CredentialKeys
from wxbus_token.kinds import Credential, digest_of
from wxbus_token.registry.notifications import channel_of

FIND_CHANGED: Final = Script.of("wxbus_token.lua", "find_changed.lua")
READ_RECORD: Final = Script.of("wxbus_token.lua", "read_record.lua")
WRITE_VALUE: Final = Script.of("wxbus_token.lua", "write_value.lua")
WRITE_FAILURE: Final = Script.of("wxbus_token.lua", "write_failure.lua")
REPORT_VALUE: Final = Script.of("wxbus_token.lua", "report_value.lua")
MARK_DUE: Final = Script.of("wxbus_token.lua", "mark_due.lua")
DELETE_RECORD: Final = Script.of("wxbus_token.lua", "delete_record.lua")

HISTORY: Final = 8
"""Number of digests of earlier values that a record keeps."""
DAY_MS: Final = 86_400_000
REISSUED_MS: Final = 60_000
"""Milliseconds for which a value that WeChat issued again after a report counts as accepted."""
CHECKED_MS: Final = 10_000
"""The same after a check call that accepted the value."""
TEXT_LIMIT: Final = 500
"""Characters of a failure's text that are stored."""


class Verdict(StrEnum):
    """The state of a reported value."""

    CURRENT = "current"
    """In use; WeChat was not asked about it."""
    REJECTED = "rejected"
    """In use, and WeChat does not accept it."""
    ACCEPTED = "accepted"
    """In use, and WeChat accepted it just now."""
    STALE = "stale"
    """Replaced already."""
    UNKNOWN = "unknown"
    """Not in use, and not in the history."""
    NONE = "none"
    """There is no record."""


class CredentialStore:
    """Reads and writes the records of all credentials.

    Every method raises StoreUnavailable if Redis does not answer; each may be repeated after that.
    """

    def __init__(self, store: Store, keyring: Keyring, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._keys = CredentialKeys(namespace)
        self._channel = channel_of(namespace)
        self._generation = Generation(store, namespace=namespace)

    def lock(self, credential: Credential, *, lease: float) -> Lock:
        """Return the lock under which `credential` is fetched."""
        return Lock(self._store, self._keys.lock(credential), lease=lease)

    async def read(self, credentials: Sequence[Credential]) -> list[Record]:
        """Return the record of each credential, by one command each: they may be on different nodes of a cluster."""
        rows = await asyncio.gather(
            *(self._store.run(READ_RECORD, keys=[self._keys.record(credential)]) for credential in credentials),
            return_exceptions=True,  # otherwise the other commands would go on in the background
        )
        records = []
        for row, credential in zip(rows, credentials, strict=True):
            if isinstance(row, BaseException):
                raise row
            records.append(record_of(row, credential.fingerprint))
        return records

    async def changed(self, credentials: Sequence[Credential], stamps: Sequence[bytes]) -> set[int]:
        """Return the positions of the records that differ from these stamps, or are due: one command for all.

        Decision 0025.
        """
        keys = [self._keys.record(credential) for credential in credentials]
        found: list[int] = await self._store.run(FIND_CHANGED, keys=keys, args=stamps)
        return {position - 1 for position in found}

    def decrypt(self, credential: Credential, record: Record) -> str:
        """Return the record's value; raises DecryptionError."""
        return self._keyring.decrypt(record.encrypted or b"", context=credential.name)

    async def write(
        self,
        credential: Credential,
        fetched: FetchedToken,
        *,
        refresh_in: float,
        fence: int,
        grant_digest: str = "",
        accepted: bool = False,
    ) -> None:
        """Store a fetched value, and in the same step the refresh token that came with it.

        Args:
            credential: The credential of the value.
            fetched: The value.
            refresh_in: Seconds until the value is refreshed.
            fence: The fencing number of the lock.
            grant_digest: Digest of the grant with which the value was fetched.
            accepted: WeChat issued or accepts the value although it was reported.

        Raises:
            StaleFence: Another instance has drawn a greater fence, or another grant was stored; nothing is written.
        """
        new_grant = fetched.refresh_token
        written = await self._store.run(
            WRITE_VALUE,
            keys=[self._keys.record(credential), self._keys.fence(credential)],
            args=[
                fence,
                self._keyring.encrypt(fetched.value, context=credential.name),
                digest_of(fetched.value),
                int(fetched.expires_in * 1000),
                int(refresh_in * 1000),
                HISTORY,
                DAY_MS,
                REISSUED_MS if accepted or not credential.forcible else 0,
                b"" if new_grant is None else self._keyring.encrypt(new_grant, context=credential.grant_name),
                "" if new_grant is None else digest_of(new_grant),
                grant_digest,
                self._channel,
                credential.name,
            ],
        )
        if not written:
            raise StaleFence

    async def write_failure(self, credential: Credential, failure: Failure, *, fence: int, grant_digest: str) -> bool:
        """Store a failed fetch with this grant for all instances.

        Returns:
            False if it was not stored: the fence is stale, or another grant was stored meanwhile.
        """
        stored = await self._store.run(
            WRITE_FAILURE,
            keys=[self._keys.record(credential), self._keys.fence(credential)],
            args=[
                fence,
                failure.text[:TEXT_LIMIT],
                "" if failure.errcode is None else failure.errcode,
                failure.state,
                int(failure.lasting),
                int(failure.wait * 1000),
                credential.fingerprint,
                DAY_MS,
                grant_digest,
            ],
        )
        return bool(stored)

    async def report(self, credential: Credential, digest: str, *, accepted: bool | None = None) -> Verdict:
        """Return the verdict on the reported value with this digest.

        `accepted` is WeChat's answer about it, if it was asked: the current value is then stored as rejected, or as
        accepted for a while.
        """
        answer = {None: "", True: "accepted", False: "rejected"}[accepted]
        args: list[Argument] = [digest, answer, CHECKED_MS, self._channel, credential.name]
        verdict = await self._store.run(REPORT_VALUE, keys=[self._keys.record(credential)], args=args)
        return Verdict(verdict.decode())

    async def mark_due(self, credential: Credential) -> None:
        """Mark the value as due: the next read starts a refresh."""
        await self._store.run(MARK_DUE, keys=[self._keys.record(credential)])

    async def delete(self, credentials: Sequence[Credential]) -> None:
        """Delete the records: value, grant and history. A fetch under way can no longer store its value."""
        for credential in credentials:
            keys = [self._keys.record(credential), self._keys.fence(credential)]
            await self._store.run(DELETE_RECORD, keys=keys)

    async def check(self) -> None:
        """Return if Redis answers and accepts writes; raises StoreUnavailable."""
        await self._generation.check()
