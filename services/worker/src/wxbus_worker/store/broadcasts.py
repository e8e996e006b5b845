"""Broadcasts in Redis: plan, recipients and results. Workers take recipients as the shared rate allows.

A recipient is in `waiting`, then claimed by a worker, then recorded as sent or refused. The claim of a worker that was
killed expires, and another worker sends; a recorded recipient gets no second message. All keys of a broadcast share a
hash tag.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast

from wxbus.errors import Reject
from wxbus.messages.broadcasts import BroadcastStatus, NewBroadcast, Refused, State
from wxbus.store.batches import Argument
from wxbus.store.store import Script
from wxbus.wechat.replies.reply import AnyReply, reply_from_json, reply_to_json
from wxbus_worker.store.scripts import load, to_ms

CLAIM: Final = 15.0
"""Seconds of a claim; longer than one send takes."""
CATCH_UP: Final = 1.0
"""Seconds of unused rate that workers may catch up on, so that their pauses do not lower the rate."""
KEEP: Final = 30 * 86400
"""Seconds for which a broadcast is kept after its last change."""
MAX_ATTEMPTS: Final = 5
"""Unanswered sends to one recipient after which the recipient counts as refused."""
NO_ANSWER: Final = "no answer from WeChat"


class BroadcastRedis(Protocol):
    """Runs scripts and idempotent commands: `wxbus.store.store.Store`, or `RetryingStore`."""

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return the result of the script."""
        ...

    async def command(self, name: str, *words: Argument) -> Any:
        """Return the answer to a command."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """The message and the audience of a broadcast."""

    id: str
    account: str
    appid: str
    message: AnyReply
    state: State
    tag: int | None
    all_followers: bool
    cursor: str
    """Where the collection of recipients continues."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Recipients that the caller must send to, and whose results it must record."""

    state: State
    wait: float
    """Seconds until more may be claimed."""
    openids: tuple[str, ...]


class Broadcasts:
    """All broadcasts. Every call may be repeated."""

    def __init__(self, redis: BroadcastRedis, *, namespace: str) -> None:
        self._redis = redis
        self._namespace = namespace
        self._all = f"{namespace}:{{broadcasts}}:all"
        self._active = f"{namespace}:{{broadcasts}}:active"
        names = ("create", "add", "claim", "record_result", "give_back", "change", "status")
        self._scripts = {name: load(f"broadcast_{name}") for name in names}

    async def create(self, new: NewBroadcast, *, account: str, appid: str) -> None:
        """Store a broadcast without recipients.

        Raises:
            Reject: The id belongs to another broadcast.
        """
        fields = {
            "account": account,
            "appid": appid,
            "message": reply_to_json(new.message),
            "rate": repr(new.rate),
            "tag": "" if new.tag is None else new.tag,
            "all_followers": int(new.all_followers),
            "dry_run": int(new.dry_run),
        }
        if not await self._run("create", new.id, ["plan"], [word for pair in fields.items() for word in pair]):
            raise Reject(f"there is another broadcast with the id {new.id}")
        # After the plan: an index entry without a plan is dropped.
        await self._redis.command("ZADD", self._all, "NX", datetime.now(UTC).timestamp(), new.id)
        await self._redis.command("SADD", self._active, new.id)

    async def add(
        self, broadcast: str, openids: Iterable[str], *, complete: bool = False, cursor: str = ""
    ) -> tuple[State, int]:
        """Add recipients, each once; return the state and the number of recipients.

        Nothing is added to a broadcast that has started. With `complete` it starts.
        """
        args: list[Argument] = [int(complete), cursor, *openids]
        state, total = await self._run("add", broadcast, ["plan", "seen", "waiting"], args)
        return cast("State", state.decode()), total

    async def plan(self, broadcast: str) -> Plan | None:
        """Return a broadcast, None if there is none."""
        fields, *_ = await self._read(broadcast)
        if "state" not in fields:
            return None
        return Plan(
            id=broadcast,
            account=fields["account"],
            appid=fields["appid"],
            message=reply_from_json(fields["message"]),
            state=cast("State", fields["state"]),
            tag=int(fields["tag"]) if fields["tag"] else None,
            all_followers=fields["all_followers"] == "1",
            cursor=fields.get("cursor", ""),
        )

    async def active(self) -> list[str]:
        """Return the ids of the broadcasts that workers may have to work on."""
        return [one.decode() for one in await self._redis.command("SMEMBERS", self._active)]

    async def finish(self, broadcast: str) -> None:
        """Let a broadcast that is done, cancelled or gone expire."""
        await self._redis.command("SREM", self._active, broadcast)
        for name in ("seen", "waiting", "attempts"):
            await self._redis.command("UNLINK", self._key(broadcast, name))
        for name in ("plan", "claimed", "reasons", "refused"):
            await self._redis.command("EXPIRE", self._key(broadcast, name), KEEP)

    async def claim(self, broadcast: str, *, limit: int) -> Claimed:
        """Claim up to `limit` recipients, as the rate allows."""
        answer = await self._run(
            "claim", broadcast, ["plan", "waiting", "claimed"], [limit, to_ms(CLAIM), to_ms(CATCH_UP)]
        )
        state, wait, *openids = answer
        return Claimed(cast("State", state.decode()), wait / 1000, tuple(one.decode() for one in openids))

    async def record_result(self, broadcast: str, openid: str, reason: str = "", *, pause_after: int = 0) -> bool:
        """Record that a recipient got the message, or why not; return False if it was recorded before.

        The broadcast is paused after `pause_after` consecutive refusals that count; 0: this one does not count.
        """
        names = ["plan", "claimed", "reasons", "refused", "attempts"]
        return bool(await self._run("record_result", broadcast, names, [openid, reason, pause_after]))

    async def give_back(
        self, broadcast: str, openid: str, *, wait: float = 0.0, unanswered: bool = False, pause: str = ""
    ) -> None:
        """Let a recipient wait again.

        Args:
            broadcast: Its id.
            openid: The recipient.
            wait: Seconds for which the whole broadcast waits.
            unanswered: Whether the message may have been sent; after `MAX_ATTEMPTS` the recipient counts as refused.
            pause: Reason for a pause; "": none.
        """
        names = ["plan", "waiting", "claimed", "attempts", "reasons", "refused"]
        attempts = MAX_ATTEMPTS if unanswered else 0
        args: list[Argument] = [openid, to_ms(wait) if wait else 0, attempts, NO_ANSWER, pause]
        await self._run("give_back", broadcast, names, args)

    async def change(self, broadcast: str, action: str, reason: str = "") -> None:
        """Do `pause`, `resume` or `cancel`; without effect in other states."""
        state = await self._run("change", broadcast, ["plan", "seen", "waiting", "attempts"], [action, reason])
        if action == "resume" and state:
            await self._redis.command("SADD", self._active, broadcast)

    async def status(self, broadcast: str) -> BroadcastStatus | None:
        """Return how far a broadcast is, None if there is none."""
        fields, waiting, claimed, reasons = await self._read(broadcast)
        if "state" not in fields:
            return None
        return BroadcastStatus(
            id=broadcast,
            account=fields["account"],
            state=cast("State", fields["state"]),
            reason=fields.get("reason", "") if fields["state"] == "paused" else "",
            rate=float(fields["rate"]),
            dry_run=fields["dry_run"] == "1",
            created_at=datetime.fromtimestamp(int(fields["created"]), UTC),
            total=int(fields["total"]),
            sent=int(fields["sent"]),
            refused={reason: int(number) for reason, number in reasons.items()},
            waiting=waiting,
            in_flight=claimed,
        )

    async def newest(self) -> list[BroadcastStatus]:
        """Return the status of all broadcasts, the newest first."""
        found = []
        for one in await self._redis.command("ZRANGE", self._all, 0, -1, "REV"):
            if status := await self.status(one.decode()):
                found.append(status)
            else:
                await self._redis.command("ZREM", self._all, one)
        return found

    async def refused(self, broadcast: str, *, start: int, count: int) -> list[Refused]:
        """Return refused recipients, the first refused first."""
        stop = start + count - 1
        lines = await self._redis.command("LRANGE", self._key(broadcast, "refused"), start, stop)
        pairs = (line.decode().partition(" ") for line in lines)
        return [Refused(openid=openid, reason=reason) for openid, _, reason in pairs]

    async def _read(self, broadcast: str) -> tuple[dict[str, str], int, int, dict[str, str]]:
        """Return the plan's fields, the numbers of waiting and claimed recipients, and those of refusals by reason."""
        names = ["plan", "waiting", "claimed", "reasons"]
        fields, waiting, claimed, reasons = await self._run("status", broadcast, names)
        return _pairs(fields), waiting, claimed, _pairs(reasons)

    async def _run(self, script: str, broadcast: str, names: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        keys = [self._key(broadcast, name) for name in names]
        return await self._redis.run(self._scripts[script], keys=keys, args=args)

    def _key(self, broadcast: str, name: str) -> str:
        return f"{self._namespace}:{{broadcast:{broadcast}}}:{name}"


def _pairs(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
