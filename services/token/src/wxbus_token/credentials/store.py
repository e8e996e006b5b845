"""Where the credentials lie: Redis, each value sealed, each write guarded by the lock's fencing number.

Times are on Redis's clock; what is read carries seconds from the moment of reading, so no instance's clock matters.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wxbus.api.credentials import FetchedToken
from wxbus.errors import WxbusError
from wxbus.store.batches import Argument
from wxbus.store.generation import Generation
from wxbus.store.lock import Lock
from wxbus.store.store import Script, Store
from wxbus_token.credentials.failures import Failure
from wxbus_token.credentials.record import Record, record_of
from wxbus_token.kinds import AUTHORIZER_ACCESS_TOKEN, Credential, digest_of
from wxbus_token.registry.keyring import Keyring, Unsealable
from wxbus_token.registry.notifications import channel_of

READ: Final = Script.of("wxbus_token.lua", "read.lua")
WRITE: Final = Script.of("wxbus_token.lua", "write.lua")
REPORT: Final = Script.of("wxbus_token.lua", "report.lua")
FAIL: Final = Script.of("wxbus_token.lua", "fail.lua")
FORCE: Final = Script.of("wxbus_token.lua", "force.lua")
HASTEN: Final = Script.of("wxbus_token.lua", "mark_due.lua")
RESEAL: Final = Script.of("wxbus_token.lua", "reseal.lua")
FORGET: Final = Script.of("wxbus_token.lua", "forget.lua")
SUPPLY: Final = Script.of("wxbus_token.lua", "supply.lua")
WITHDRAW: Final = Script.of("wxbus_token.lua", "withdraw.lua")

HISTORY: Final = 8
"""Digests kept of the values before."""
DAY_MS: Final = 86_400_000
FORCED_GAP_MS: Final = 30_000
FORCED_PER_DAY: Final = 20
"""WeChat's limits for forced refreshes (protocol reference 8.1), counted over any 24 hours."""
TRUSTED_MS: Final = 60_000
"""What WeChat gave again although it was reported: for so long further reports do not count."""
CHECKED_MS: Final = 10_000
"""The same for a value that WeChat was seen to accept."""
WITHDRAWN_MS: Final = 90 * DAY_MS


class Verdict(StrEnum):
    """What a reported value is."""

    CURRENT = "current"
    """In use, and WeChat has not been asked about it."""
    DEAD = "dead"
    """The current one, and WeChat refuses it."""
    CONFIRMED = "confirmed"
    """The current one, and WeChat said just now that it is valid."""
    STALE = "stale"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Forced:
    """How much is left of WeChat's limits for forced refreshes."""

    in_day: int
    """In the last 24 hours."""
    wait: float
    """Seconds until the next one is allowed, 0.0 if it is now."""


class Late(WxbusError):
    """Another instance has the lock by now: what this one fetched must not be stored. Never leaves the keeper."""


class CredentialStore:
    """Reads and writes the records of all credentials.

    Every method raises StoreUnavailable if Redis does not answer; each may be repeated after that.
    """

    def __init__(self, store: Store, keyring: Keyring, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._namespace = namespace
        self._channel = channel_of(namespace)
        self._generation = Generation(store, namespace=namespace)

    def lock(self, credential: Credential, *, lease: float) -> Lock:
        """Return the lock under which `credential` is fetched."""
        return Lock(self._store, self._key(credential, "lock"), lease=lease)

    async def read(self, credentials: Sequence[Credential]) -> list[Record]:
        """Return the record of each; each is read by itself, for in a cluster they lie on different nodes."""
        rows = await asyncio.gather(
            *(self._store.run(READ, keys=[self._key(credential, "record")]) for credential in credentials),
            return_exceptions=True,  # or the rest would go on by itself
        )
        records = []
        for row, credential in zip(rows, credentials, strict=True):
            if isinstance(row, BaseException):
                raise row
            records.append(record_of(row, credential.fingerprint))
        return records

    def unseal(self, credential: Credential, record: Record) -> str:
        """Return the record's value; raises Unsealable."""
        return self._keyring.open(record.sealed or b"", about=_about(credential))

    def unseal_means(self, credential: Credential, record: Record) -> str | None:
        """Return what the next value is fetched with, None if there is nothing; raises Unsealable."""
        return None if record.means is None else self._keyring.open(record.means, about=_about_means(credential))

    async def write(
        self,
        credential: Credential,
        fetched: FetchedToken,
        *,
        refresh_in: float,
        fence: int,
        means_digest: str = "",
        confirmed: bool = False,
    ) -> None:
        """Store what was fetched; raises Late, and stores nothing, if another drew a number since.

        Args:
            credential: Whose value it is.
            fetched: The value; its refresh token, if it has one, is stored by the same step.
            refresh_in: Seconds until it is to be replaced.
            fence: The number drawn with the lock.
            means_digest: Of the record it was fetched with: if other means have come since, it is late as well.
            confirmed: WeChat gave or accepts it although it was reported: it is not dead.
        """
        life_ms = int(fetched.expires_in * 1000)
        means = fetched.refresh_token
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
                TRUSTED_MS if confirmed or not credential.forcible else 0,
                b"" if means is None else self._keyring.seal(means, about=_about_means(credential)),
                "" if means is None else digest_of(means),
                means_digest,
                *self._hint(credential),
            ],
        )
        if not written:
            raise Late

    async def supply(self, credential: Credential, means: str, *, at: int, component: str = "") -> bool:
        """Keep what `credential` is fetched with from now on; False if what is there is newer.

        Args:
            credential: What is fetched with it.
            means: A ticket or a refresh token.
            at: When it came to be, in seconds since the epoch.
            component: The platform that an account has authorised, as WeChat says just now: no withdrawal is newer,
                and a value from before is not used any more.
        """
        sealed = self._keyring.seal(means, about=_about_means(credential))
        args: list[Argument] = [sealed, digest_of(means), at, component, int(component != ""), *self._hint(credential)]
        return bool(await self._store.run(SUPPLY, keys=[self._key(credential, "record")], args=args))

    async def seal_means_anew(self, credentials: Sequence[Credential]) -> int:
        """Seal under the current key what lies under another; return how many there were.

        Values need no such care, for they live two hours; a refresh token of an account that nobody asks for stays.
        """
        count = 0
        for credential, record in zip(credentials, await self.read(credentials), strict=True):
            if record.means is None or self._keyring.is_current(record.means):
                continue
            try:
                means = self.unseal_means(credential, record) or ""
            except Unsealable:  # WeChat has it, when it is wanted
                continue
            sealed = self._keyring.seal(means, about=_about_means(credential))
            args: list[Argument] = [sealed, record.means_digest]
            count += await self._store.run(RESEAL, keys=[self._key(credential, "record")], args=args)
        return count

    async def withdraw(self, credential: Credential, *, at: int, component: str) -> bool:
        """Drop value and means for good; False if they are newer than `at`, or not by way of this platform."""
        args: list[Argument] = [at, WITHDRAWN_MS, component, *self._hint(credential)]
        return bool(await self._store.run(WITHDRAW, keys=[self._key(credential, "record")], args=args))

    async def component_of(self, appid: str) -> str:
        """Return the appid of the platform that the account has authorised, "" if we know of none."""
        key = f"{self._namespace}:token:{{{AUTHORIZER_ACCESS_TOKEN}:{appid}}}:record"
        found: bytes | None = await self._store.command("HGET", key, "component")
        return (found or b"").decode()

    async def forget(self, credentials: Sequence[Credential]) -> None:
        """Delete the records: value, means and history. A fetch that is under way stores nothing any more."""
        for credential in credentials:
            await self._store.run(FORGET, keys=self._keys(credential, "record"))

    async def mark_due(self, credential: Credential) -> None:
        """Let the value be replaced at the next occasion."""
        await self._store.run(HASTEN, keys=[self._key(credential, "record")])

    async def report(self, credential: Credential, digest: str, *, accepted: bool | None = None) -> Verdict:
        """Return what the reported value with this digest is.

        `accepted` is WeChat's word on it, if it was asked: the current value is dead if WeChat refuses it, and for a
        while not to be checked again if WeChat accepts it.
        """
        word = {None: "", True: "accepted", False: "refused"}[accepted]
        args: list[Argument] = [digest, word, CHECKED_MS, *self._hint(credential)]
        verdict = await self._store.run(REPORT, keys=[self._key(credential, "record")], args=args)
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
                failure.state,
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

    async def forced(self, credential: Credential) -> Forced:
        """Return how many forced refreshes there were within a day, and when the next one is allowed."""
        now = int(await self._store.now() * 1000)
        key = self._key(credential, "forced")
        found: list[tuple[bytes, float]] = await self._store.command(
            "ZRANGEBYSCORE", key, now - DAY_MS, "+inf", "WITHSCORES"
        )
        moments = [int(score) for _, score in found]
        wait = max(0, moments[-1] + FORCED_GAP_MS - now) if moments else 0
        if len(moments) >= FORCED_PER_DAY:
            wait = max(wait, moments[-FORCED_PER_DAY] + DAY_MS - now)
        return Forced(len(moments), wait / 1000)

    async def check(self) -> None:
        """Return if Redis answers and takes writes."""
        await self._generation.check()

    def _keys(self, credential: Credential, what: str) -> list[str]:
        return [self._key(credential, what), self._key(credential, "lock:fence")]

    def _hint(self, credential: Credential) -> list[str]:
        """Return what a script announces to the other instances, and where."""
        return [self._channel, _about(credential)]

    def _key(self, credential: Credential, what: str) -> str:
        # One hash tag per credential, so that a script's keys are on one node of a cluster.
        return f"{self._namespace}:token:{{{_about(credential)}}}:{what}"


def _about(credential: Credential) -> str:
    return f"{credential.kind}:{credential.appid}"


def _about_means(credential: Credential) -> str:
    return f"{_about(credential)}:means"
