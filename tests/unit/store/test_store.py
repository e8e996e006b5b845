"""Batches of commands, with a fake client."""

import asyncio
from typing import Any

import hiredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.clock import AdvancedClock
from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store

SCRIPT = Script("any", "return 1")


class SlowRedis:
    """A client, its pool and its only connection; it answers each command with its second word after `go_on`."""

    def __init__(self) -> None:
        self.connection_pool = self._writer = self.transport = self
        self.batches: list[list[list[bytes]]] = []
        self.under_way = asyncio.Event()
        self.go_on = asyncio.Event()
        self.failure: Exception | None = None
        """Why the connection ends instead of an answer."""
        self.fault: Exception | None = None
        """What connecting raises."""
        self.connections = 0
        self.aborted = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def make_connection(self) -> "SlowRedis":
        """Return itself."""
        return self

    async def connect(self) -> None:
        """Connect, or raise `fault`."""
        self.connections += 1
        if self.fault:
            raise self.fault

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        """Take what the answers go to."""
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        """Record a batch, and answer it later."""
        reader = hiredis.Reader()
        reader.feed(data)
        batch = []
        while (words := reader.gets()) is not False:
            batch.append(words)
        self.batches.append(batch)
        self.under_way.set()
        answering = asyncio.create_task(self._answer(batch, self.protocol))
        self._tasks.add(answering)
        answering.add_done_callback(self._tasks.discard)

    async def _answer(self, batch: list[list[bytes]], protocol: asyncio.Protocol) -> None:
        await self.go_on.wait()
        if self.failure:
            protocol.connection_lost(self.failure)
            return
        for words in batch:
            answer = b"-ERR wrong\r\n" if b"wrong" in words else b"$%d\r\n%b\r\n" % (len(words[1]), words[1])
            protocol.data_received(answer[:3])
            protocol.data_received(answer[3:])

    def _close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Close it; the event loop tells the protocol later."""
        self.aborted += 1
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


@pytest.fixture
def redis() -> SlowRedis:
    """The client."""
    return SlowRedis()


@pytest.fixture
def store(redis: SlowRedis) -> Store:
    """The store under test."""
    return Store(redis, answer_timeout=60.0)  # type: ignore[arg-type]  # has the members that are used


async def asked(store: Store, *words: str) -> "asyncio.Task[Any]":
    """Return a task that waits for the answer to a command."""
    call = asyncio.create_task(store.command("ECHO", *words))
    await asyncio.sleep(0)
    return call


async def test_commands_wait_for_the_batch_in_flight(store: Store, redis: SlowRedis) -> None:
    """They form the next batch; each caller gets the answer to its own command."""
    first = await asked(store, "0")
    await redis.under_way.wait()
    others = [await asked(store, str(number)) for number in range(1, 20)]
    redis.go_on.set()

    assert await asyncio.gather(first, *others) == [str(number).encode() for number in range(20)]
    assert [len(batch) for batch in redis.batches] == [1, 19]


async def test_a_refused_command_fails_alone(store: Store, redis: SlowRedis) -> None:
    """The commands before and after it in the batch are answered."""
    first = await asked(store, "0")
    await redis.under_way.wait()
    before, wrong, after = await asked(store, "1"), await asked(store, "2", "wrong"), await asked(store, "3")
    redis.go_on.set()
    with pytest.raises(StoreUnavailable, match="ECHO: wrong"):
        await wrong
    assert list(await asyncio.gather(first, before, after)) == [b"0", b"1", b"3"]
    assert len(redis.batches) == 2


async def test_an_argument_that_cannot_be_encoded_fails_its_caller_only(store: Store, redis: SlowRedis) -> None:
    """JSON may contain lone surrogates; the other commands of the batch are answered."""
    redis.go_on.set()
    good = await asked(store, "1")
    with pytest.raises(UnicodeEncodeError):
        await store.command("ECHO", "\ud83d")
    assert await good == b"1"


async def test_a_lost_batch_fails_waiting_commands_too(store: Store, redis: SlowRedis) -> None:
    """Commands that came meanwhile fail at once, so that no answer takes two time-outs."""
    redis.failure = RedisConnectionError("lost")
    first = await asked(store, "1")
    await redis.under_way.wait()
    second = await asked(store, "2")
    redis.go_on.set()
    for call in (first, second):
        with pytest.raises(StoreUnavailable, match="ECHO: lost"):
            await call
    assert len(redis.batches) == 1

    redis.failure = None
    assert await store.command("ECHO", "3") == b"3"


async def test_a_cancelled_caller_ends_at_once(store: Store, redis: SlowRedis) -> None:
    """The batch goes on for the other callers; a command that was not sent yet is not sent."""
    first, other = await asked(store, "1"), await asked(store, "2")
    await redis.under_way.wait()
    waiting = await asked(store, "3")
    for call in (first, waiting):
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    redis.go_on.set()

    assert await other == b"2"
    assert await store.command("ECHO", "4") == b"4"
    assert [words for batch in redis.batches for words in batch] == [[b"ECHO", b"1"], [b"ECHO", b"2"], [b"ECHO", b"4"]]


async def test_a_frozen_redis_counts_as_unavailable(redis: SlowRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one time-out, for what waits behind it as well; a late answer is not taken for that to the next command."""
    clock = AdvancedClock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    store = Store(redis, answer_timeout=60.0)  # type: ignore[arg-type]  # as above
    first = await asked(store, "1")
    await redis.under_way.wait()
    frozen, waiting = redis.protocol, await asked(store, "2")
    clock.ahead = 60.0
    for call in (first, waiting):
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            await call
    assert redis.aborted == 1

    third = await asked(store, "3")
    frozen.data_received(b"$1\r\n1\r\n")
    frozen.connection_lost(None)
    redis.go_on.set()
    assert await third == b"3"
    assert redis.connections == 2


async def test_a_timeout_around_a_call_stays_a_timeout(store: Store) -> None:
    """The caller's deadline raises TimeoutError."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await store.run(SCRIPT, keys=[])


async def test_a_fault_in_the_code_is_not_an_outage(store: Store, redis: SlowRedis) -> None:
    """Only errors of Redis and of the network become StoreUnavailable."""
    redis.fault = LookupError("a bug")
    redis.go_on.set()
    with pytest.raises(LookupError):
        await store.command("ECHO", "1")


class SwallowingPubSub:
    """A subscription that swallows its cancellation, as redis-py may on Python 3.11."""

    def __init__(self, outcome: Exception | None) -> None:
        self.called = asyncio.Event()
        self._outcome = outcome

    connection_pool = None

    def pubsub(self) -> "SwallowingPubSub":
        """Return itself."""
        return self

    async def subscribe(self, _channel: str) -> None:
        """Swallow a cancellation."""
        self.called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._outcome:
                raise self._outcome from None

    async def aclose(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("outcome", [None, RedisConnectionError("lost")])
async def test_a_swallowed_cancellation_is_raised_again(outcome: Exception | None) -> None:
    """A cancelled subscriber ends, even if the client swallows the cancellation."""
    swallowing = SwallowingPubSub(outcome)
    store = Store(swallowing)  # type: ignore[arg-type]  # as above
    listening = asyncio.ensure_future(anext(store.messages("any")))
    await swallowing.called.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
