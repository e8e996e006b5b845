"""Redis as services use it: the errors of its client end here, as `StoreUnavailable`.

redis-py repeats commands by itself, which runs an INCR twice after a lost reply; here nothing is repeated. What may be
repeated (idempotent scripts) the caller repeats.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from types import TracebackType
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.maint_notifications import MaintNotificationsConfig

from wxbus.aio.cancellation import Cancellation
from wxbus.errors import ConfigurationError, StoreUnavailable, copy_error
from wxbus.store.batches import STORE_ERRORS, Argument, Batches, reason_of

ANSWER_TIMEOUT = 1.0
"""Seconds for one answer; with redis-py's defaults a frozen server costs a minute a call."""
CONNECT_TIMEOUT = 0.5
SILENCE = 60.0
"""Seconds for which one subscription waits for a message."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script of ours: checks first, writes after, may be repeated after an unknown outcome."""

    name: str
    source: str = field(repr=False)
    digest: str = field(init=False, repr=False)
    """What Redis knows it by once it has seen it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())

    @classmethod
    def of(cls, package: str, name: str) -> "Script":
        """Return the script in the file `name` beside the modules of `package`."""
        return cls(name, files(package).joinpath(name).read_text(encoding="utf-8"))


class _StoreCall:
    """A block in which redis-py's errors become `StoreUnavailable`, and a cancellation is never swallowed."""

    __slots__ = ("_cancellation", "_doing")

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        self._cancellation = Cancellation()

    def __exit__(
        self, _kind: type[BaseException] | None, exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._cancellation.came and (exc is None or isinstance(exc, Exception)):
            raise asyncio.CancelledError from exc
        if isinstance(exc, STORE_ERRORS):
            raise StoreUnavailable(f"{self._doing}: {reason_of(exc)}") from exc


class Store:
    """Redis as we use it: scripts, and a few reads. Values are bytes."""

    def __init__(self, redis: "Redis", *, answer_timeout: float = ANSWER_TIMEOUT) -> None:
        self._redis = redis
        self._batches = Batches(redis, timeout=answer_timeout)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, name: str = "wxbus", answer_timeout: float = ANSWER_TIMEOUT
    ) -> AsyncIterator["Store"]:
        """Yield a store; it connects when first used, so Redis may come later than we.

        Raises:
            ConfigurationError: `url` is no address of a Redis; the text does not repeat it, for it holds a password.
        """
        try:
            redis = Redis.from_url(
                url,
                client_name=name,
                socket_timeout=answer_timeout,
                socket_connect_timeout=CONNECT_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=15,
                maint_notifications_config=MaintNotificationsConfig(
                    enabled=False
                ),  # of Redis Enterprise; else a warning
            )
        except ValueError:
            # Without its cause: a password with a slash in it is taken for the port, and quoted.
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
        """Return what the script returns.

        Raises:
            StoreUnavailable: No answer; the script may or may not have run.
        """
        answer = await self._batches.ask("EVALSHA", script.digest, len(keys), *keys, *args)
        if isinstance(answer, NoScriptError):  # Redis was started since
            answer = await self._batches.ask("EVAL", script.source, len(keys), *keys, *args)
        return _answered(f"script {script.name}", answer)

    async def command(self, name: str, *words: Argument) -> Any:
        """Return the answer to a plain command, as Redis gave it; only for those that may be repeated or read.

        Raises:
            StoreUnavailable: No answer.
        """
        return _answered(name, await self._batches.ask(name, *words))

    async def messages(self, channel: str, *, silence: float = SILENCE) -> AsyncIterator[bytes]:
        """Yield what is published to `channel`; ends after `silence` seconds without a message.

        Redis keeps no message for who does not listen just then: take one for a hint, and look for the truth elsewhere.
        Who listens on listens anew, which finds out a connection that died without a word.

        Raises:
            StoreUnavailable: The connection is lost, or there is none.
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
        finally:
            with suppress(StoreUnavailable), _StoreCall(call):
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def now(self) -> float:
        """Return seconds since the epoch on Redis's clock, which all processes share."""
        seconds, micros = await self.command("TIME")
        return int(seconds) + int(micros) / 1_000_000

    async def check_durability(self) -> None:
        """Raise ConfigurationError unless Redis keeps what it acknowledges: AOF on, nothing evicted, version 7 up."""
        lines = (await self.command("INFO")).decode().splitlines()
        info = dict(line.split(":", 1) for line in lines if ":" in line)
        wrong = []
        if int(info["redis_version"].split(".", maxsplit=1)[0]) < 7:
            wrong.append(f"version 7 or newer is needed, it is {info['redis_version']}")
        if info.get("aof_enabled") != "1":
            wrong.append("`appendonly yes` is needed, or a crash of Redis forgets contexts")
        if info.get("maxmemory_policy", "noeviction") != "noeviction":
            wrong.append(f"`maxmemory-policy noeviction` is needed, it is {info['maxmemory_policy']}")
        if wrong:
            raise ConfigurationError("Redis: " + "; ".join(wrong))


def _answered(doing: str, answer: Any) -> Any:
    """Return the answer, or raise an error of this caller's own in place of one."""
    if isinstance(answer, STORE_ERRORS):
        raise StoreUnavailable(f"{doing}: {reason_of(answer)}") from answer
    if isinstance(answer, Exception):  # a fault in the code, not an outage
        raise copy_error(answer)
    return answer
