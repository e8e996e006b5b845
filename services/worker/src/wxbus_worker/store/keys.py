"""Names of the Redis keys of lanes.

All keys of a lane share a hash tag, which is a shard and not the lane: one script can write them together on Redis
Cluster, and the same script can write an index of all lanes of the shard (decision 0002).
"""

from wxbus_worker.store.ports import ContextKey


class LaneKeys:
    """Returns the keys of lanes and shards."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def of(self, key: ContextKey, kind: str) -> str:
        """Return a lane's key of this kind: `context`, `dedup`, `outbox`, `send_lease`."""
        return f"{self.prefix(key.shard, kind)}{key.lane}"

    def of_commit(self, key: ContextKey) -> tuple[str, ...]:
        """Return the keys of each commit in the lane."""
        shard = key.shard
        kinds = ("context", "dedup", "outbox", "send_lease")
        return (*(f"{self.prefix(shard, kind)}{key.lane}" for kind in kinds), self.expiries(shard))

    def pending(self, key: ContextKey, dedup_key: str) -> str:
        """Return the key of a message's answer and pending replies."""
        return f"{self.of(key, 'pending')}:{dedup_key}"

    def set_aside(self, key: ContextKey, dedup_key: str) -> str:
        """Return the key of a message's replies that could not be sent."""
        return f"{self.of(key, 'set_aside')}:{dedup_key}"

    def expiries(self, shard: int) -> str:
        """Return the key of a shard's contexts by the time of their expiry."""
        return f"{self._namespace}:{{{shard}}}:context_expiries"

    def reply_deadlines(self, shard: int) -> str:
        """Return the key of a shard's pending replies by their deadline."""
        return f"{self._namespace}:{{{shard}}}:reply_deadlines"

    def prefix(self, shard: int, kind: str) -> str:
        """Return the part of a key before the lane."""
        return f"{self._namespace}:{{{shard}}}:{kind}:"


def pending_member(account: str, key: ContextKey, dedup_key: str) -> str:
    """Return the member of `reply_deadlines` for a message with pending replies."""
    return f"{account}\n{key.lane}\n{dedup_key}"


def parse_pending_member(member: bytes) -> tuple[str, str, str]:
    """Return account, lane and dedup key of a `pending_member`."""
    account, lane, dedup_key = member.decode().split("\n")
    return account, lane, dedup_key
