"""Several instances of the token service on one real Redis, and a WeChat that counts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from tests.support.proxy import Proxy, proxied
from tests.support.token_service import Place, placed
from wxbus.api.credentials import FetchedToken
from wxbus.store.store import Store
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.quota import Quota
from wxbus_token.credentials.store import CredentialStore
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Credential as KeptCredential
from wxbus_token.kinds import digest_of
from wxbus_token.metrics import Metrics
from wxbus_token.registry.keyring import Keyring, new_encryption_key

T = TypeVar("T")

APPID = "wx1"
SECRET = "SECRET-APPSECRET"
LIFETIME = 7200


class WeChat:
    """Gives stable tokens by WeChat's rules, to every instance that asks."""

    def __init__(self) -> None:
        self.made = 1
        self.fetches = 0
        self.forced = 0
        self.expires_in = LIFETIME
        self.error: Exception | None = None
        self.killed: set[str] = set()
        """Tokens that it refuses before their time."""
        self.checks = 0
        self.check_error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    @property
    def current(self) -> str:
        """The token that is valid now."""
        return f"SECRET-TOKEN-{self.made}"

    async def accepted(self, value: str) -> bool:
        """Say whether a token is valid."""
        self.checks += 1
        if self.check_error:
            raise self.check_error
        return value == self.current and value not in self.killed

    async def fetch(self, *, force: bool) -> FetchedToken:
        """Answer a fetch; the answer is made when the request comes, and may arrive much later."""
        self.fetches += 1
        if force:
            self.forced += 1
            self.made += 1
        given, error, gate = FetchedToken(self.current, self.expires_in), self.error, self.gate
        self.asked.set()
        await gate.wait()
        if error:
            raise error
        return given

    @asynccontextmanager
    async def answering_late(self, asking: Coroutine[Any, Any, T]) -> AsyncIterator["asyncio.Task[T]"]:
        """Begin what asks WeChat once: the answer is made at once, and arrives at the end of the block.

        Who asks within the block is answered without delay.
        """
        gate, self.gate = self.gate, asyncio.Event()
        self.asked.clear()
        task = asyncio.create_task(asking)
        await self.asked.wait()
        late, self.gate = self.gate, gate
        yield task
        late.set()


class Credential:
    """An account's credential, as the keepers see it."""

    kind = "access_token"
    on_demand = False
    repeatable = True
    forcible = True
    checkable = True

    def __init__(self, wechat: WeChat, appid: str = APPID, secret: str = SECRET) -> None:
        self._wechat = wechat
        self.appid = appid
        self.fingerprint = digest_of(secret)

    async def accepted(self, value: str) -> bool:
        """Ask WeChat."""
        return await self._wechat.accepted(value)

    async def fetch(self, _means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        return await self._wechat.fetch(force=force)


class Clock:
    """An instance's monotonic clock: it agrees with no other clock, and runs when the test says so."""

    def __init__(self) -> None:
        self.now = 5_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Instance:
    """One instance of the service."""

    authority: Authority
    credential_store: CredentialStore
    proxy: Proxy
    clock: Clock
    manager: CredentialManager

    async def get(self) -> str:
        """Return the account's token."""
        return (await self.manager.get()).value

    async def report(self, token: str, *, by: str = "worker") -> str:
        """Report `token`; return the one to use."""
        return (await self.manager.report_invalid(token, by=by)).value


@dataclass
class World:
    """Makes instances, and lets time pass for all of them."""

    redis: "Redis"
    redis_url: str
    namespace: str
    wechat: WeChat
    keys: str
    stack: AsyncExitStack
    clock: Clock = field(default_factory=Clock)

    async def instance(
        self,
        *,
        keys: str = "",
        secret: str = SECRET,
        wait_timeout: float = 1e9,
        per_day: int = 10**6,
        credential: KeptCredential | None = None,
        without_store: bool = False,
        poll: float = 1.0,
    ) -> Instance:
        """Return a further instance, with connections of its own."""
        proxy, url = await self.stack.enter_async_context(proxied(self.redis_url))
        store = await self.stack.enter_async_context(Store.open(url))
        credential_store = CredentialStore(store, Keyring.parse(keys or self.keys), namespace=self.namespace)
        credential = credential or Credential(self.wechat, secret=secret)
        guard = Quota(store, namespace=self.namespace, per_minute=10**6, per_day=per_day)
        timing = Timing(lease=30.0, wait_timeout=wait_timeout, poll=poll, without_store=without_store)
        authority = Authority(
            credential_store, guard, [credential], timing, Metrics(CollectorRegistry()), clock=self.clock
        )
        self.stack.push_async_callback(authority.aclose)
        return Instance(authority, credential_store, proxy, self.clock, authority.manager("access_token", APPID))

    def key(self, what: str) -> str:
        """Name of a key of the account in Redis."""
        return f"{self.namespace}:token:{{access_token:{APPID}}}:{what}"

    async def record(self) -> dict[str, str]:
        """Return the account's record, but for what is sealed."""
        found = await self.redis.hgetall(self.key("record"))  # type: ignore[misc]  # redis-py types it for both clients
        return {name.decode(): value.decode() for name, value in found.items() if name not in {b"value", b"means"}}

    async def lease_lapses(self) -> None:
        """Let the lock's lease end, as time would."""
        assert await self.redis.delete(self.key("lock")) == 1

    async def time_passes(self, seconds: float) -> None:
        """Let time pass, on Redis and on the instances."""
        self.clock.now += seconds
        for name, value in (await self.record()).items():
            if name in {"expires", "refresh", "fail_until", "trusted"}:
                await self.redis.hset(self.key("record"), name, str(int(value) - int(seconds * 1000)))  # type: ignore[misc]
        for member, score in await self.redis.zrange(self.key("forced"), 0, -1, withscores=True):
            await self.redis.zadd(self.key("forced"), {member: score - seconds * 1000})

    async def forget_the_check(self) -> None:
        """Let the time end in which what WeChat accepted is not checked again."""
        await self.redis.hdel(self.key("record"), "trusted")  # type: ignore[misc]  # typed for both clients

    async def refreshes(self, *instances: Instance) -> None:
        """Let every instance look once, and end what it began."""
        for instance in instances:
            await instance.authority.tick()
        for instance in instances:
            await instance.authority.drain()


@pytest.fixture
def wechat() -> WeChat:
    """The WeChat that all instances ask."""
    return WeChat()


@pytest.fixture
async def world(redis: "Redis", redis_url: str, namespace: str, wechat: WeChat) -> AsyncIterator[World]:
    """Instances of the service on the test's Redis."""
    async with AsyncExitStack() as stack:
        yield World(redis, redis_url, namespace, wechat, new_encryption_key("k1"), stack)


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """The service as it is deployed, not running yet."""
    async with placed(tmp_path, redis_url, namespace) as place:
        yield place


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything that was logged; in no test may a token or a secret be in it."""
    with structlog.testing.capture_logs() as entries:
        yield lambda: f"{entries} {caplog.text}"
        assert "SECRET-" not in f"{entries} {caplog.text}"
