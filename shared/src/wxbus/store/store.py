"""Redis for the services: scripts, single commands, subscriptions; every error of redis-py is `StoreUnavailable`.

No command is repeated here: redis-py would run an INCR twice after a lost reply. Callers repeat idempotent scripts.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from wxbus.aio.cancellation import ClientCall
from wxbus.errors import ConfigurationError, StoreUnavailable, copy_error
from wxbus.store.batches import STORE_ERRORS, Argument, Batches, code_of, reason_of
from wxbus.store.connection import connect

ANSWER_TIMEOUT = 1.0
"""Seconds for a connection and for one answer; with redis-py's defaults a call to a frozen server takes a minute."""
COMMAND_ANSWER_TIMEOUT = 10.0
"""The same for an operator's command, for which no message waits."""
SILENCE = 60.0
"""Seconds after which a subscription without messages ends."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script that checks first and writes after, so it may be repeated after an unknown outcome."""

    name: str
    source: str = field(repr=False)
    digest: str = field(init=False, repr=False)
    """SHA-1 of the source: the name of the script in Redis."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())

    @classmethod
    def of(cls, package: str, name: str) -> "Script":
        """Return the script in the file `name` of `package`."""
        return cls(name, files(package).joinpath(name).read_text(encoding="utf-8"))


class _StoreCall(ClientCall):
    """A block that translates the errors of redis-py to `StoreUnavailable`."""

    __slots__ = ()

    def translate(self, exc: BaseException) -> Exception | None:
        """Return StoreUnavailable for each error of the client."""
        return StoreUnavailable(f"{self._doing}: {reason_of(exc)}") if isinstance(exc, STORE_ERRORS) else None


class Store:
    """One Redis; values are bytes."""

    def __init__(self, redis: "Redis", *, answer_timeout: float = ANSWER_TIMEOUT) -> None:
        self._redis = redis
        self._batches = Batches(partial(connect, redis), timeout=answer_timeout)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, name: str = "wxbus", answer_timeout: float = ANSWER_TIMEOUT
    ) -> AsyncIterator["Store"]:
        """Yield a store, which connects at the first use; Redis may start later.

        Raises:
            ConfigurationError: `url` is not a Redis address; the text does not contain it, because it holds a password.
        """
        try:
            redis = Redis.from_url(
                url,
                client_name=name,
                socket_timeout=answer_timeout,
                socket_connect_timeout=answer_timeout,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=15,
                maint_notifications_config=MaintNotificationsConfig(
                    enabled=False
                ),  # of Redis Enterprise; else a warning
            )
        except ValueError:
            # Without its cause, which quotes a password with a slash as the port.
            raise ConfigurationError(
                "the Redis address must look like redis://:password@host:port/0, signs like / in the password as %2F"
            ) from None
        store = cls(redis, answer_timeout=answer_timeout)
        try:
            yield store
        finally:
            await store._batches.aclose()
            with suppress(StoreUnavailable), _StoreCall("closing"):
                await redis.aclose()

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return the script's result.

        Raises:
            StoreUnavailable: No answer; the script may or may not have run.
        """
        answer = await self._batches.execute("EVALSHA", script.digest, len(keys), *keys, *args)
        if isinstance(answer, ResponseError) and code_of(answer) == "NOSCRIPT":  # Redis was restarted
            answer = await self._batches.execute("EVAL", script.source, len(keys), *keys, *args)
        return _answered(f"script {script.name}", answer)

    async def command(self, name: str, *args: Argument) -> Any:
        """Return the answer to one command, unchanged; use only idempotent commands.

        Raises:
            StoreUnavailable: No answer.
        """
        return _answered(name, await self._batches.execute(name, *args))

    async def messages(
        self, channel: str, *, silence: float = SILENCE, on_subscribed: Callable[[], None] = lambda: None
    ) -> AsyncIterator[bytes]:
        """Yield the messages published to `channel`; ends after `silence` seconds without a message.

        Redis keeps no messages for disconnected subscribers: a message is a hint only. Call it again after its end,
        which detects connections that died without notice. `on_subscribed` is called when Redis has confirmed the
        subscription: it receives every message published from then on.

        Raises:
            StoreUnavailable: Not connected, or the connection was lost.
        """
        pubsub = self._redis.pubsub()
        call = f"listening to {channel}"
        try:
            with _StoreCall(call):
                await pubsub.subscribe(channel)
            while True:
                with _StoreCall(call):
                    message = await pubsub.get_message(timeout=silence)
                if message is None:
                    return
                if message["type"] == "message":
                    yield message["data"]
                elif message["type"] == "subscribe":
                    on_subscribed()
        finally:
            with suppress(StoreUnavailable), _StoreCall(call):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def now(self) -> float:
        """Return the seconds since the epoch of Redis's clock, which all processes share."""
        seconds, micros = await self.command("TIME")
        return int(seconds) + int(micros) / 1_000_000

    async def check_durability(self) -> None:
        """Raise ConfigurationError unless Redis keeps acknowledged writes: AOF, no eviction, version 7 or newer."""
        lines = (await self.command("INFO")).decode().splitlines()
        info = dict(line.split(":", 1) for line in lines if ":" in line)
        wrong = []
        if int(info["redis_version"].split(".", maxsplit=1)[0]) < 7:
            wrong.append(f"version 7 or newer is needed, it is {info['redis_version']}")
        if info.get("aof_enabled") != "1":
            wrong.append("`appendonly yes` is needed, or a crash of Redis loses contexts")
        if info.get("maxmemory_policy", "noeviction") != "noeviction":
            wrong.append(f"`maxmemory-policy noeviction` is needed, it is {info['maxmemory_policy']}")
        if wrong:
            raise ConfigurationError("Redis: " + "; ".join(wrong))


def _answered(doing: str, answer: Any) -> Any:
    """Return the answer; if it is an error, raise a copy for this caller."""
    if isinstance(answer, STORE_ERRORS):
        raise StoreUnavailable(f"{doing}: {reason_of(answer)}") from answer
    if isinstance(answer, Exception):  # a fault in the code, not an outage
        raise copy_error(answer)
    return answer
