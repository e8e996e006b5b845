"""Where the credentials lie: Redis, each value sealed, each write guarded by the lock's fencing number.

Times are on Redis's clock; what is read carries seconds from the moment of reading, so no instance's clock matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from wxbus.api.stable_token import FetchedToken
from wxbus.errors import WxbusError
from wxbus.store.lock import Lock
from wxbus.store.store import Script, Store
from wxbus_token.credentials import Credential, digest_of
from wxbus_token.failures import Failure
from wxbus_token.keyring import Keyring

READ: Final = Script.of("wxbus_token", "read.lua")
WRITE: Final = Script.of("wxbus_token", "write.lua")
REPORT: Final = Script.of("wxbus_token", "report.lua")
FAIL: Final = Script.of("wxbus_token", "fail.lua")
FORCE: Final = Script.of("wxbus_token", "force.lua")

HISTORY: Final = 8
"""Digests kept of the values before."""
DAY_MS: Final = 86_400_000
FORCED_GAP_MS: Final = 30_000
FORCED_PER_DAY: Final = 20
"""WeChat's limits for forced refreshes (protocol reference 8.1), counted over any 24 hours."""


class Verdict(StrEnum):
    """What a reported value is."""

    CURRENT = "current"
    STALE = "stale"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Record:
    """What Redis has of one credential, at one moment."""

    sealed: bytes | None = field(default=None, repr=False)
    digest: str = ""
    """Of the value; "" if there is none."""
    expires_in: float = 0.0
    refresh_in: float = 0.0
    dead: bool = False
    """WeChat called the value invalid before its time."""
    failure: Failure | None = None
    """Of the last fetch; nobody asks again while its `wait` is above 0."""
    failures: int = 0
    """In a row."""


class Late(WxbusError):
    """Another instance has the lock by now: what this one fetched must not be stored. Never leaves the keeper."""


class Vault:
    """Reads and writes the records of all credentials.

    Every method raises StoreUnavailable if Redis does not answer; each may be repeated after that.
    """

    def __init__(self, store: Store, keyring: Keyring, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._namespace = namespace

    def lock(self, credential: Credential, *, lease: float) -> Lock:
        """Return the lock under which `credential` is fetched."""
        return Lock(self._store, self._key(credential, "lock"), lease=lease)

    async def read(self, credentials: Sequence[Credential]) -> list[Record]:
        """Return the record of each."""
        if not credentials:
            return []
        now, *rows = await self._store.run(READ, keys=[self._key(credential, "record") for credential in credentials])
        return [
            _record(int(now), row, credential.fingerprint) for row, credential in zip(rows, credentials, strict=True)
        ]

    def unseal(self, credential: Credential, record: Record) -> str:
        """Return the record's value; raises Unsealable."""
        return self._keyring.open(record.sealed or b"", about=_about(credential))

    async def write(self, credential: Credential, fetched: FetchedToken, *, refresh_in: float, fence: int) -> None:
        """Store what was fetched; raises Late, and stores nothing, if another drew a number since."""
        life_ms = int(fetched.expires_in * 1000)
        written = await self._store.run(
            WRITE,
            keys=self._keys(credential, "record"),
            args=[
                fence,
                self._keyring.seal(fetched.value, about=_about(credential)),
                digest_of(fetched.value),
                life_ms,
                int(refresh_in * 1000),
                HISTORY,
                DAY_MS,
            ],
        )
        if not written:
            raise Late

    async def report(self, credential: Credential, digest: str) -> Verdict:
        """Mark the value with this digest as dead if it is the current one; return what it is."""
        verdict = await self._store.run(REPORT, keys=[self._key(credential, "record")], args=[digest])
        return Verdict(verdict.decode())

    async def fail(self, credential: Credential, failure: Failure, *, fence: int) -> None:
        """Note a failed fetch for all instances; a late one is not noted."""
        await self._store.run(
            FAIL,
            keys=self._keys(credential, "record"),
            args=[
                fence,
                failure.text[:500],
                "" if failure.errcode is None else failure.errcode,
                int(failure.lasting),
                int(failure.wait * 1000),
                credential.fingerprint,
                DAY_MS,
            ],
        )

    async def draw_forced(self, credential: Credential, *, fence: int) -> float:
        """Return 0.0 if a forced refresh is allowed now, and count it; else the seconds to wait. Raises Late."""
        wait_ms = await self._store.run(
            FORCE,
            keys=self._keys(credential, "forced"),
            args=[fence, FORCED_GAP_MS, FORCED_PER_DAY, DAY_MS],
        )
        if wait_ms < 0:
            raise Late
        return float(wait_ms) / 1000

    async def check(self) -> None:
        """Return if Redis answers."""
        await self._store.command("PING")

    def _keys(self, credential: Credential, what: str) -> list[str]:
        return [self._key(credential, what), self._key(credential, "lock:fence")]

    def _key(self, credential: Credential, what: str) -> str:
        # One hash tag per credential, so that a script's keys are on one node of a cluster.
        return f"{self._namespace}:token:{{{_about(credential)}}}:{what}"


def _about(credential: Credential) -> str:
    return f"{credential.kind}:{credential.appid}"


def _record(now: int, row: Sequence[Any], fingerprint: str) -> Record:
    sealed, digest, _fence, expires, refresh, dead, text, errcode, lasting, until, count, failed_with = row

    def seconds(moment: bytes | None) -> float:
        return (int(moment) - now) / 1000 if moment else 0.0

    failure = None
    # A refusal of a secret that was changed since does not bind.
    if until and (failed_with or b"").decode() == fingerprint:
        failure = Failure(
            (text or b"").decode(errors="replace"),
            seconds(until),
            lasting=lasting == b"1",
            errcode=int(errcode) if errcode else None,
        )
    return Record(
        sealed,
        (digest or b"").decode(),
        seconds(expires),
        seconds(refresh),
        dead == b"1",
        failure,
        int(count or 0),
    )
