"""Messages that wait for their `send_at`: a due-time index in Redis.

A message keeps no lane waiting, so the index needs no shards: its keys share one hash tag.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Final

from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus_worker.store.ports import CLAIM_SECONDS
from wxbus_worker.store.scripts import Scripts, load, to_ms

REMEMBER_RESULT: Final = 60.0
"""Seconds for which a cancellation may be repeated."""


class Schedule:
    """Messages by the time of their publication. Every call may be repeated, and waits while Redis is unavailable."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._prefix = f"{namespace}:{{schedule}}:"
        self._times, self._publishing, self._bodies = map(self._key, ("times", "publishing", "bodies"))
        self._add = load("schedule_add")
        self._claim = load("schedule_claim")
        self._cancel = load("schedule_cancel")
        self._remove = load("schedule_remove")

    async def add(self, envelope: Envelope, message_id: str, *, due: float) -> None:
        """Store a message until `due`, in seconds since the epoch; a message with the same id stays as it is."""
        await self._scripts.run(
            self._add,
            keys=[self._times, self._publishing, self._bodies],
            args=[_member(envelope.lane, message_id), round(due * 1000), _dump(envelope)],
        )

    async def cancel(self, lane: str, message_id: str) -> bool:
        """Remove a message; False if it is not stored, or is being published."""
        member = _member(lane, message_id)
        cancelled = await self._scripts.run(
            self._cancel,
            keys=[self._times, self._bodies, self._key(f"cancelled:{member}")],
            args=[member, secrets.token_hex(8), to_ms(REMEMBER_RESULT)],
        )
        return bool(cancelled)

    async def claim_due(self, *, limit: int) -> Sequence[tuple[str, Envelope]]:
        """Return messages whose time has come, each with its key for `remove`; other processes do not get them."""
        claimed = await self._scripts.run(
            self._claim,
            keys=[self._times, self._publishing, self._bodies],
            args=[limit, to_ms(CLAIM_SECONDS)],
        )
        return [(key.decode(), _load(body)) for key, body in zip(claimed[::2], claimed[1::2], strict=True)]

    async def remove(self, key: str) -> None:
        """Remove a message that is published."""
        await self._scripts.run(self._remove, keys=[self._publishing, self._bodies], args=[key])

    def _key(self, name: str) -> str:
        return self._prefix + name


def _member(lane: str, message_id: str) -> str:
    return f"{lane} {message_id}"


def _dump(envelope: Envelope) -> bytes:
    fields = {
        "id": envelope.id,
        "kind": envelope.kind,
        "account": envelope.account,
        "appid": envelope.appid,
        "openid": envelope.openid,
        "dedup_id": envelope.dedup_id,
        "body": envelope.body.decode(),
        "received_at": envelope.received_at,
        "traceparent": envelope.traceparent,
    }
    return json.dumps(fields, ensure_ascii=False).encode()


def _load(stored: bytes) -> Envelope:
    fields = json.loads(stored)
    return Envelope(
        **{**fields, "kind": EnvelopeKind(fields["kind"]), "body": fields["body"].encode()},
        lane=f"{fields['appid']}:{fields['openid']}",
    )
