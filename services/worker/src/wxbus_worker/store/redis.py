"""Contexts, dedup keys and outboxes in Redis."""

import time
from collections.abc import Sequence
from datetime import timedelta

from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context, ContextPolicy, encode
from wxbus_worker.store.keys import LaneKeys, pending_member
from wxbus_worker.store.ports import (
    CLAIM_SECONDS,
    RECALL_SECONDS,
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
        most_remembered: int = 500,
    ) -> None:
        """Store lanes under `namespace`.

        Args:
            scripts: Runs the scripts.
            namespace: First part of every key.
            policy: Of contexts without an expiry of their own.
            lease: Seconds of a send lease.
            remember: How long dedup keys are kept, so that no later copy passes (RabbitMQ and Redis reference 8).
            most_remembered: Dedup keys per lane at most; the oldest are forgotten first.
        """
        self._scripts = scripts
        self.keys = LaneKeys(namespace)
        self._policy = policy
        self._lease = lease
        self._remember_ms = to_ms(remember.total_seconds())
        self._most_remembered = most_remembered
        self._open = load("open_context")
        self._commit = load_with_lease("commit")
        self._claim_send_lease = load_with_lease("claim_send_lease")
        self._remove_sent = load("remove_sent")
        self._restore_set_aside = load_with_lease("restore_set_aside")
        self._take_due = load("take_due_contexts")
        self._mark_expiry_published = load("mark_expiry_published")

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context for reading; without one return None, or a new one with `create`."""
        opened = await self.open(ContextKey.of_user(appid, openid), "")
        return opened.context if create or opened.version else None

    async def open(self, key: ContextKey, dedup_key: str) -> Opened:
        """Return the lane, before a message is handled."""
        version, stored, seen = await self._scripts.run(
            self._open, keys=[self.keys.of(key, "context"), self.keys.of(key, "dedup")], args=[dedup_key]
        )
        context = Context(key.appid, key.openid, self._policy, stored or b"")
        return Opened(version, context, bool(seen))

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
        kept = key.openid is not None and not remove
        asked = time.monotonic()
        status, *lease = await self._scripts.run(
            self._commit,
            keys=[
                *(self.keys.of(key, kind) for kind in ("context", "dedup", "outbox", "send_lease")),
                self.keys.expiries(key.shard),
                self.keys.pending(key, dedup_key),
                self.keys.reply_deadlines(key.shard),
            ],
            args=[
                dedup_key,
                opened.version,
                "keep" if kept else "remove" if remove else "none",
                encode(opened.context) if kept else b"",
                to_ms(opened.context.expire_after.total_seconds()),
                key.lane,
                self._remember_ms,
                self._most_remembered,
                attempt_id,
                to_ms(self._lease),
                b"" if pending is None else pending.answer.to_bytes(),
                0 if pending is None or not pending.wait else to_ms(pending.wait),
                "" if pending is None or pending.passive is None else pending.passive,
                "" if pending is None else pending_member(account, key, dedup_key),
                to_ms(RECALL_SECONDS),
                *(entry.to_bytes() for entry in entries_of(dedup_key, replies)),
            ],
        )
        return CommitResult(status.decode(), *(parse_send_lease(answer, asked + self._lease) for answer in lease))

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Claim the send lease, if no other attempt holds it."""
        asked = time.monotonic()
        answer = await self._scripts.run(
            self._claim_send_lease,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "send_lease")],
            args=[attempt_id, to_ms(self._lease)],
        )
        return parse_send_lease(answer, asked + self._lease)

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
        asked = time.monotonic()
        await self._scripts.run(
            self._remove_sent,
            keys=[
                self.keys.of(key, "outbox"),
                self.keys.of(key, "send_lease"),
                self.keys.set_aside(key, set_aside_as),
            ],
            args=[
                attempt_id,
                0 if end_lease else to_ms(self._lease),
                self._remember_ms if set_aside_as else 0,
                *(entry.to_bytes() for entry in entries),
            ],
        )
        return asked + self._lease

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and claim the send lease."""
        asked = time.monotonic()
        answer = await self._scripts.run(
            self._restore_set_aside,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "send_lease"), self.keys.set_aside(key, dedup_key)],
            args=[attempt_id, to_ms(self._lease), self._remember_ms],
        )
        return parse_send_lease(answer, asked + self._lease)

    async def drop_all(self) -> int:
        """Drop the contexts of all users without events, and return their number; dedup keys and replies stay."""
        dropped = 0
        for shard in range(SHARDS):
            while taken := len(await self._take(shard, "all", most=1_000, claim=0)):
                dropped += taken
        return dropped

    async def claim_due(self, shard: int, *, most: int) -> Sequence[tuple[str, int]]:
        """Return lanes and versions of contexts whose expiry is due; other processes do not get them for a time."""
        return [one for one in await self._take(shard, "due", most=most, claim=to_ms(CLAIM_SECONDS)) if one[1]]

    async def delete_due(self, shard: int, *, most: int) -> int:
        """Delete contexts whose expiry is due, and return their number."""
        return len(await self._take(shard, "due", most=most, claim=0))

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Record that the expiry is published; it is due again when dedup keys are forgotten, if nothing came of it."""
        key = ContextKey("", None, lane)
        await self._scripts.run(
            self._mark_expiry_published,
            keys=[self.keys.of(key, "context"), self.keys.expiries(key.shard)],
            args=[lane, version, self._remember_ms],
        )

    async def _take(self, shard: int, which: str, *, most: int, claim: int) -> Sequence[tuple[str, int]]:
        taken = await self._scripts.run(
            self._take_due,
            keys=[self.keys.expiries(shard)],
            args=[self.keys.prefix(shard, "context"), which, most, claim],
        )
        return [(lane.decode(), int(version)) for lane, version in zip(taken[::2], taken[1::2], strict=True)]
