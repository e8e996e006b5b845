"""Lanes in Redis.

All keys of a lane share a hash tag, which is a shard and not the lane: one script may write them together on Redis
Cluster, and an index over the contexts of a shard can be written by the same script.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

from wxbus.store.batches import Argument
from wxbus.store.store import Script
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.context.context import Context, ContextPolicy, encode
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


class Scripts(Protocol):
    """What runs our scripts: `wxbus.store.store.Store`, or one that waits for Redis."""

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return what the script returns."""
        ...


class LaneKeys:
    """Spells the keys of lanes; those of one lane are in one slot."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def of(self, key: ContextKey, kind: str) -> str:
        """Return the key of what of this kind a lane has."""
        return f"{self.prefix(key.shard, kind)}{key.lane}"

    def set_aside(self, key: ContextKey, dedup_key: str) -> str:
        """Return the key of a message's replies that could not be sent."""
        return f"{self.of(key, 'aside')}:{dedup_key}"

    def pending(self, key: ContextKey, dedup_key: str) -> str:
        """Return the key of a message's answer and the replies that wait with it."""
        return f"{self.of(key, 'held')}:{dedup_key}"

    def expiries(self, shard: int) -> str:
        """Return the key of a shard's contexts by due time."""
        return f"{self._namespace}:{{{shard}}}:due"

    def reply_deadlines(self, shard: int) -> str:
        """Return the key of a shard's messages whose replies wait, by the time until which they do."""
        return f"{self._namespace}:{{{shard}}}:late"

    def prefix(self, shard: int, kind: str) -> str:
        """Return what stands before the lane in a key."""
        return f"{self._namespace}:{{{shard}}}:{kind}:"


class RedisContextStore:
    """Lanes in Redis (implements `ContextStore`, and `wxbus_worker.sweepers.contexts.DueContexts`)."""

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
        """Keep lanes under `namespace`.

        Args:
            scripts: Runs the scripts.
            namespace: First part of every key.
            policy: Of contexts without an expiry of their own.
            lease: Seconds of a turn to send.
            remember: How long a message's id is kept, so that no later copy passes (RabbitMQ and Redis reference 8).
            most_remembered: Ids per lane at most; the oldest are forgotten first.
        """
        self._scripts = scripts
        self.keys = LaneKeys(namespace)
        self._policy = policy
        self._lease = lease
        self._remember_ms = to_ms(remember.total_seconds())
        self._most_remembered = most_remembered
        turn, self._open, commit, claim, self._remove_sent = (
            Script.of("wxbus_worker.store.lua", f"{name}.lua")
            for name in ("turn", "open", "commit", "claim", "remove_sent")
        )
        self._due, self._handed, resume = (
            Script.of("wxbus_worker.store.lua", f"{name}.lua") for name in ("due", "handed", "resume")
        )
        self._commit = Script(commit.name, turn.source + commit.source)
        self._claim = Script(claim.name, turn.source + claim.source)
        self._resume = Script(resume.name, turn.source + resume.source)

    async def get(self, appid: str, openid: str, *, create: bool = False) -> Context | None:
        """Return a user's context, to be read; if there is none, None, or with `create` a new one."""
        opened = await self.open(ContextKey.of_user(appid, openid), "")
        return opened.context if create or opened.version else None

    async def open(self, key: ContextKey, dedup_key: str) -> Opened:
        """Return the lane, before a message is handled."""
        version, stored, seen = await self._scripts.run(
            self._open, keys=[self.keys.of(key, "context"), self.keys.of(key, "recent")], args=[dedup_key]
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
        """Write context, marker and replies together, unless the lane has changed; take the turn to send."""
        kept = key.openid is not None and not remove
        asked = time.monotonic()
        status, *turn = await self._scripts.run(
            self._commit,
            keys=[
                *(self.keys.of(key, kind) for kind in ("context", "recent", "outbox", "sender")),
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
        return CommitResult(status.decode(), *(parse_send_lease(answer, asked + self._lease) for answer in turn))

    async def claim_send_lease(self, key: ContextKey, *, attempt_id: str) -> SendLease:
        """Take the turn to send what the outbox holds, if no other run has it."""
        asked = time.monotonic()
        answer = await self._scripts.run(
            self._claim,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "sender")],
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
        """Remove entries; renew our turn and return its new end, or end it if it is the `last` or nothing is left."""
        asked = time.monotonic()
        await self._scripts.run(
            self._remove_sent,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "sender"), self.keys.set_aside(key, set_aside_as)],
            args=[
                attempt_id,
                0 if end_lease else to_ms(self._lease),
                self._remember_ms if set_aside_as else 0,
                *(entry.to_bytes() for entry in entries),
            ],
        )
        return asked + self._lease

    async def restore_set_aside(self, key: ContextKey, dedup_key: str, *, attempt_id: str) -> SendLease:
        """Put a message's replies that were set aside into the outbox again, and take the turn to send."""
        asked = time.monotonic()
        answer = await self._scripts.run(
            self._resume,
            keys=[self.keys.of(key, "outbox"), self.keys.of(key, "sender"), self.keys.set_aside(key, dedup_key)],
            args=[attempt_id, to_ms(self._lease), self._remember_ms],
        )
        return parse_send_lease(answer, asked + self._lease)

    async def drop_all(self) -> int:
        """Drop the contexts of all users, without an event, and return how many; ids and replies to send stay."""
        dropped = 0
        for shard in range(SHARDS):
            while taken := len(await self._take(shard, "all", most=1_000, claim=0)):
                dropped += taken
        return dropped

    async def claim_due(self, shard: int, *, most: int) -> Sequence[tuple[str, int]]:
        """Return lanes and versions of contexts that are due; for a while nobody else gets them."""
        return [one for one in await self._take(shard, "due", most=most, claim=to_ms(CLAIM_SECONDS)) if one[1]]

    async def delete_due(self, shard: int, *, most: int) -> int:
        """Delete contexts that are due, and return how many: for routers that need not know."""
        return len(await self._take(shard, "due", most=most, claim=0))

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Note that its lane was told; should that come to nothing, it is told again when ids are forgotten."""
        key = ContextKey("", None, lane)
        await self._scripts.run(
            self._handed,
            keys=[self.keys.of(key, "context"), self.keys.expiries(key.shard)],
            args=[lane, version, self._remember_ms],
        )

    async def _take(self, shard: int, which: str, *, most: int, claim: int) -> Sequence[tuple[str, int]]:
        taken = await self._scripts.run(
            self._due, keys=[self.keys.expiries(shard)], args=[self.keys.prefix(shard, "context"), which, most, claim]
        )
        return [(lane.decode(), int(version)) for lane, version in zip(taken[::2], taken[1::2], strict=True)]


def parse_send_lease(answer: Sequence[Any], until: float) -> SendLease:
    """Return a turn as the scripts write it.

    `until` is counted from the time of asking, not of the answer: our turn must not outlast what Redis grants.
    """
    wait_ms, *entries = answer
    return SendLease(tuple(map(Entry.parse, entries)), wait_ms / 1000, until)


def pending_member(account: str, key: ContextKey, dedup_key: str) -> str:
    """Return how a message whose replies wait stands in the index of those; `parse_pending_member` takes it apart."""
    return f"{account}\n{key.lane}\n{dedup_key}"


def parse_pending_member(member: bytes) -> tuple[str, str, str]:
    """Return account, lane and marker of a `pending_member`."""
    account, lane, dedup_key = member.decode().split("\n")
    return account, lane, dedup_key


def to_ms(seconds: float) -> int:
    """Return whole milliseconds, at least one."""
    return max(1, round(seconds * 1000))
