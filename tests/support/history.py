"""Histories: publishes numbered messages of many users and compares the result of each user with 1..n."""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise

import aiohttp

from tests.support.installation import ACCOUNT, APPID, Installation
from tests.support.processes import Service
from tests.support.queues import awaiting_retry, dead, depths
from tests.support.sizes import soak
from tests.support.stores import open_store
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, StoreUnavailable
from wxbus.store.store import Store
from wxbus.telemetry import new_traceparent
from wxbus_sandbox.control.client import SandboxClient
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.store.ports import ContextKey
from wxbus_worker.store.redis import RedisContextStore

DEPTH = soak(full=(20, 60), quick=(8, 20))
"""Messages of each partition that are not committed yet: faults wait for the first number, and users stop writing at
the second."""
FLOOD = 100
"""Messages by which users who flood are ahead of the commits."""
TWICE = 0.1
"""Share of the messages that are published twice, like WeChat's repeats."""
POLL_INTERVAL = 0.2
"""Seconds between two reads of the queue lengths."""


@dataclass
class Load:
    """Users who write 1, 2, 3, ..., faster than workers handle it."""

    url: str
    redis_url: str
    topology: Topology
    users: Sequence[str]
    rng: random.Random
    twice: float = TWICE
    flooding: Sequence[str] = ()
    """Of the users: they write ahead without regard to their partition."""
    published: Counter[str] = field(default_factory=Counter)
    """The last number of each user."""
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _over: bool = False

    def __post_init__(self) -> None:
        """Assign users to partitions."""
        self._partitions = {user: self.topology.partition_of(f"{APPID}:{user}") for user in self.users}
        self._depths = dict.fromkeys(self._partitions.values(), 0)
        self._room = Counter[int]()
        self._committed = Counter[str]()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["Load"]:
        """Let all users write for the block; at its end the last number of each user is confirmed."""
        async with Publisher.open(self.url, self.topology, name="users") as publisher, asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch())
            writers = [group.create_task(self._write(user, publisher)) for user in self.users]
            try:
                yield self
            finally:
                watch.cancel()
                async with self._changed:
                    self._over = True
                    self._changed.notify_all()
            await asyncio.gather(*writers)

    @property
    def backlog(self) -> int:
        """Return the number of messages that were not committed at the last poll."""
        return sum(self._depths.values())

    async def backlogged(self) -> None:
        """Return once each partition has a backlog."""
        async with self._changed:
            self._depths = dict.fromkeys(self._depths, 0)  # values from before the last fault are outdated
            await self._changed.wait_for(lambda: min(self._depths.values()) >= DEPTH[0])

    def _has_room(self, user: str, number: int) -> bool:
        return self._over or number < self._committed[user] + FLOOD

    async def _write(self, user: str, publisher: Publisher) -> None:
        partition = self._partitions[user]
        for number in count(1):
            async with self._changed:
                if user in self.flooding:
                    await self._changed.wait_for(partial(self._has_room, user, number))
                else:
                    await self._changed.wait_for(lambda: self._over or self._room[partition] > 0)
                    self._room[partition] -= 1
            if self._over:
                return
            envelope = _envelope(user, number)
            await _confirmed(publisher, envelope)
            self.published[user] = number
            if self.rng.random() < self.twice:
                await _confirmed(publisher, _envelope(user, self.rng.randint(max(1, number - 3), number)))

    async def _watch(self) -> None:
        async with open_store(self.redis_url) as store:
            contexts = RedisContextStore(store, namespace=self.topology.namespace, policy=ContextPolicy())
            while True:
                with suppress(StoreUnavailable):  # Redis was killed
                    committed = await numbers(contexts, self.users)
                    async with self._changed:
                        self._committed = Counter({user: len(found) for user, found in committed.items()})
                        self._count()
                        self._changed.notify_all()
                await asyncio.sleep(POLL_INTERVAL)

    def _count(self) -> None:
        self._depths = dict.fromkeys(self._depths, 0)
        for user, partition in self._partitions.items():
            self._depths[partition] += self.published[user] - self._committed[user]
        for partition, depth in self._depths.items():
            self._room[partition] = DEPTH[1] - depth


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a test injected."""

    what: str
    begun: float
    """Seconds since the epoch."""
    ended: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state after all messages were settled."""

    committed: Mapping[str, list[int]]
    """Numbers in the context of each user, in order."""
    replies: Mapping[str, list[tuple[int, float]]]
    """Numbers that reached each user, with the time in seconds since the epoch."""
    dead: int
    outboxes: int

    def first_replies(self, user: str) -> list[int]:
        """Return the replies of a user without repeats."""
        return list(dict.fromkeys(number for number, _ in self.replies.get(user, ())))

    def repeats(self) -> list[tuple[str, int, float, float]]:
        """Return each repeated reply: user, number, time of the previous one, own time."""
        found = []
        for user, replies in self.replies.items():
            last: dict[int, float] = {}
            for number, at in replies:
                if number in last:
                    found.append((user, number, last[number], at))
                last[number] = at
        return found


async def settled(url: str, topology: Topology, workers: Iterable[Service]) -> None:
    """Return once queues and workers were empty at two polls in a row."""
    calm = 0
    while calm < 2:
        try:
            busy = await awaiting_retry(url, topology) + sum(await depths(url, topology))
            for worker in workers:
                busy += await fetched(worker)
            calm = 0 if busy else calm + 1
        except (BrokerUnavailable, OSError, aiohttp.ClientError):
            calm = 0
        await asyncio.sleep(POLL_INTERVAL)


async def fetched(worker: Service) -> int:
    """Return the number of messages that a worker has fetched and not settled."""
    values = await metrics(worker)
    return int(values["wxbus_worker_running_messages"] + values["wxbus_worker_waiting_messages"])


async def metrics(worker: Service) -> Mapping[str, float]:
    """Return the metrics of a worker by name and labels, as written."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.request("GET", f"http://127.0.0.1:{worker.port}/metrics", timeout=timeout) as answer:
        lines = (await answer.text()).splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


async def outcome(installation: Installation, redis_url: str, users: Iterable[str], amqp_url: str) -> Outcome:
    """Return the contexts of Redis and the messages of the sandbox."""
    namespace = installation.topology.namespace
    async with (
        Store.open(redis_url, answer_timeout=10) as store,
        SandboxClient.open(installation.sandbox_url) as sandbox,
    ):
        contexts = RedisContextStore(store, namespace=namespace, policy=ContextPolicy())
        committed = await numbers(contexts, users)
        outboxes = len(await store.command("KEYS", f"{namespace}:*:outbox:*"))
        replies: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for sent in await sandbox.sent(account=ACCOUNT):
            replies[sent.openid].append((int(sent.content), sent.time))
    return Outcome(committed, replies, await dead(amqp_url, installation.topology), outboxes)


async def numbers(contexts: RedisContextStore, users: Iterable[str]) -> dict[str, list[int]]:
    """Return the numbers in the context of each user."""
    opened = {user: await contexts.open(ContextKey(APPID, user, f"{APPID}:{user}"), "") for user in users}
    return {user: one.context.storage.get("numbers", []) for user, one in opened.items()}


def differences(got: Mapping[str, list[int]], load: Load) -> dict[str, str]:
    """Return for each user whose numbers are not 1..n how they differ."""
    found = {}
    for user in load.users:
        wanted, numbers = list(range(1, load.published[user] + 1)), got[user]
        if numbers != wanted:
            missing = sorted(set(wanted) - set(numbers))
            twice = sorted(number for number, times in Counter(numbers).items() if times > 1)
            turns = [(a, b) for a, b in pairwise(numbers) if b < a]
            found[user] = f"{len(numbers)} of {len(wanted)}, missing {missing}, twice {twice}, out of order {turns}"
    return found


async def _confirmed(publisher: Publisher, envelope: Envelope) -> None:
    """Publish the same envelope until it is confirmed, as the spool does."""
    while True:
        try:
            await publisher.publish(envelope, budget=5)
        except BrokerUnavailable:
            continue
        return


def _envelope(user: str, number: int) -> Envelope:
    document = {
        "ToUserName": "gh_shop",
        "FromUserName": user,
        "CreateTime": "1700000000",
        "MsgType": "text",
        "Content": str(number),
        "MsgId": str(10**15 + number),
    }
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.CALLBACK,
        account=ACCOUNT,
        appid=APPID,
        openid=user,
        lane=f"{APPID}:{user}",
        dedup_id=f"{APPID}:m:{user}:{number}",
        body=json.dumps(document).encode(),
        received_at=time.time(),
        traceparent=new_traceparent(),
    )
