"""Contexts, dedup keys and outboxes in Redis."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context, ContextPolicy, encode
from wxbus_worker.context.contexts import StoredContext
from wxbus_worker.store.cache import KnownLane, LaneCache
from wxbus_worker.store.commit import TRIM_INTERVAL, CommitScript, Write
from wxbus_worker.store.due_shards import DueShards
from wxbus_worker.store.keys import LaneKeys
from wxbus_worker.store.listing import list_contexts
from wxbus_worker.store.ports import (
    CLAIM_SECONDS,
    SHARDS,
    CommitResult,
    ContextKey,
    Entry,
    Opened,
    PendingReply,
    SendLease,
    entries_of,
)
from wxbus_worker.store.scripts import Scripts, load, load_with_lease, parse_send_lease, to_ms


class RedisContextStore:
    """Lanes in Redis (implements `ContextStore` and `wxbus_worker.sweepers.contexts.DueContexts`)."""

    def __init__(
        self,
        scripts: Scripts,
        *,
        namespace: str,
        policy: ContextPolicy,
        lease: float = 15.0,
        remember: timedelta = timedelta(days=7),
        max_remembered: int = 500,
        remembered_at_least: timedelta = timedelta(minutes=10),
        cache: LaneCache | None = None,
        trim_every: int = 16,
    ) -> None:
        """Store lanes under `namespace`.

        Args:
            scripts: Runs the scripts.
            namespace: First part of every key.
            policy: Of contexts without an expiry of their own.
            lease: Seconds of a send lease.
            remember: How long dedup keys are kept, so that no later copy passes (RabbitMQ and Redis reference 8).
            max_remembered: Dedup keys per lane; the oldest are forgotten first.
            remembered_at_least: Age up to which dedup keys are kept, however many there are: the acknowledgements of
                all messages that RabbitMQ delivers at once may be lost.
            cache: The lanes of which this process is the owner; None: each lane is read from Redis.
            trim_every: Commits of a cached lane after which surplus dedup keys are removed.
        """
        self._scripts = scripts
        self.keys = LaneKeys(namespace)
        self._policy = policy
        self._lease = lease
        self._lease_ms = to_ms(lease)
        self._remember_ms = to_ms(remember.total_seconds())
        self._cache = LaneCache(max_bytes=0) if cache is None else cache
        self._trim_every = trim_every
        self._open = load("open_context")
        self._commit = CommitScript(
            scripts,
            self.keys,
            lease=lease,
            remember=remember,
            max_remembered=max_remembered,
            remembered_at_least=remembered_at_least,
        )
        self._claim_send_lease = load_with_lease("claim_send_lease")
        self._remove_sent = load("remove_sent")
        self._restore_set_aside = load_with_lease("restore_set_aside")
        self._take_due = load("take_due_contexts")
        self._drop = load("drop_context")
        self._mark_expiry_published = load("mark_expiry_published")
        self._due_shards = DueShards(scripts, self.keys.expiries)

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context for reading; if there is none, return None, or with `create` a new context."""
        key = ContextKey.of_user(appid, openid)
        lane = await self._read(key)
        return self._context(key, lane) if create or lane.version else None

    async def open(self, key: ContextKey, dedup_key: str, *, reread: bool = False) -> Opened:
        """Return the lane, before a message is handled; read from Redis if it is not cached, or with `reread`."""
        lane = None if reread else self._cache.get(key.lane)
        if lane is None:
            lane = await self._read(key)
        return Opened(lane.version, self._context(key, lane), lane.remembers(dedup_key), lane)

    async def commit(
        self,
        key: ContextKey,
        dedup_key: str,
        opened: Opened,
        replies: Sequence[AnyReply],
        *,
        attempt_id: str,
        remove: bool = False,
        account: str = "",
        pending: PendingReply | None = None,
    ) -> CommitResult:
        """Write context, dedup key and replies in one step, unless the lane has changed; claim the send lease."""
        known = opened.known or KnownLane.unread(self.keys.of_commit(key))
        has_context, now = key.openid is not None, time.monotonic()
        kept = has_context and not remove
        write = Write(
            dedup_key=dedup_key,
            version=opened.version,
            what="keep" if kept else "remove" if remove else "none",
            context=encode(opened.context) if kept else b"",
            expire_after=opened.context.expire_after.total_seconds(),
            entries=entries_of(dedup_key, replies),
            pending=pending,
            account=account,
            trim=known.untrimmed + 1 >= self._trim_every or now - known.trimmed_at > TRIM_INTERVAL.total_seconds(),
        )
        self._cache.drop(key.lane)  # until the result is known
        written = await self._commit.run(key, known.keys, write, attempt_id=attempt_id)
        if has_context and written.result.status == "committed":
            after = known.after(dedup_key, written.version, write.context, expires_at=now + write.expire_after)
            self._cache.put(key.lane, after.trimmed(written.removed, now=now) if write.trim else after)
        return written.result

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Claim the send lease, if no other attempt holds it."""
        requested_at = time.monotonic()
        answer = await self._scripts.run(
            self._claim_send_lease,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "send_lease")],
            args=[attempt_id, self._lease_ms],
        )
        return parse_send_lease(answer, requested_at + self._lease)

    async def remove_sent(
        self,
        key: ContextKey,
        entries: Sequence[Entry],
        *,
        attempt_id: str,
        end_lease: bool = False,
        set_aside_as: str = "",
    ) -> float:
        """Remove entries from the outbox, renew the send lease and return its new end."""
        requested_at = time.monotonic()
        await self._scripts.run(
            self._remove_sent,
            keys=[
                self.keys.of(key, "outbox"),
                self.keys.of(key, "send_lease"),
                self.keys.set_aside(key, set_aside_as),
            ],
            args=[
                attempt_id,
                0 if end_lease else self._lease_ms,
                self._remember_ms if set_aside_as else 0,
                *(entry.stored for entry in entries),
            ],
        )
        return requested_at + self._lease

    async def remove_last(self, key: ContextKey, entry: Entry) -> None:
        """Remove the last entry that an attempt had to send; its send lease is not needed any more."""
        await self._scripts.command("LREM", self.keys.of(key, "outbox"), 1, entry.stored)

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and claim the send lease."""
        requested_at = time.monotonic()
        answer = await self._scripts.run(
            self._restore_set_aside,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "send_lease"), self.keys.set_aside(key, dedup_key)],
            args=[attempt_id, self._lease_ms, self._remember_ms],
        )
        return parse_send_lease(answer, requested_at + self._lease)

    def list(self, appid: str = "") -> AsyncIterator[StoredContext]:
        """Yield the existing contexts, of one account or of all, in no order."""
        return list_contexts(self._scripts, self.keys, appid)

    async def drop(self, appid: str, openid: str) -> bool:
        """Drop a user's context without an event, and return whether there was one."""
        key = ContextKey.of_user(appid, openid)
        self._cache.drop(key.lane)
        keys = [self.keys.of(key, "context"), self.keys.expiries(key.shard)]
        return bool(await self._scripts.run(self._drop, keys=keys, args=[key.lane]))

    async def drop_all(self) -> int:
        """Drop the contexts of all users without events, and return their number; dedup keys and replies stay."""
        self._cache.clear()
        dropped = 0
        for shard in range(SHARDS):
            while taken := len(await self._take(shard, "all", limit=1_000, claim=0)):
                dropped += taken
        return dropped

    async def due_shards(self) -> Sequence[int]:
        """Return the shards that have contexts whose expiry is due."""
        return await self._due_shards.find()

    async def claim_due(self, shard: int, *, limit: int) -> Sequence[tuple[str, int]]:
        """Return lanes and versions of contexts whose expiry is due; other processes do not get them for a time."""
        return [one for one in await self._take(shard, "due", limit=limit, claim=to_ms(CLAIM_SECONDS)) if one[1]]

    async def delete_due(self, shard: int, *, limit: int) -> int:
        """Delete contexts whose expiry is due, and return their number."""
        return len(await self._take(shard, "due", limit=limit, claim=0))

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Record that the expiry is published; it is due again when dedup keys expire, unless it is handled before."""
        key = ContextKey("", None, lane)
        await self._scripts.run(
            self._mark_expiry_published,
            keys=[self.keys.of(key, "context"), self.keys.expiries(key.shard)],
            args=[lane, version, self._remember_ms],
        )

    def _context(self, key: ContextKey, lane: KnownLane) -> Context:
        return Context(key.appid, key.openid, self._policy, lane.context)

    async def _read(self, key: ContextKey) -> KnownLane:
        keys, epoch = self.keys.of_commit(key), self._cache.epoch
        version, stored, dedup_keys = await self._scripts.run(self._open, keys=keys[:2])
        return KnownLane(keys, version, stored or b"", b"\n" + dedup_keys, epoch)

    async def _take(self, shard: int, which: str, *, limit: int, claim: int) -> Sequence[tuple[str, int]]:
        taken = await self._scripts.run(
            self._take_due,
            keys=[self.keys.expiries(shard)],
            args=[self.keys.prefix(shard, "context"), which, limit, claim],
        )
        return [(lane.decode(), int(version)) for lane, version in zip(taken[::2], taken[1::2], strict=True)]
