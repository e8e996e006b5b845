"""Several instances of the token service on one real Redis, and a WeChat that counts requests."""

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

from tests.support.clock import Clock
from tests.support.proxy import Proxy, proxied
from tests.support.stores import REDIS_TIMEOUT
from tests.support.token_service import Place, placed
from wxbus.api.credentials import FetchedToken
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus.store.store import Store
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.fetcher import Fetcher
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.refresh_loop import RefreshLoop
from wxbus_token.credentials.reports import Reports
from wxbus_token.credentials.storage.grants import GrantStore
from wxbus_token.credentials.storage.quota import Quota
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.credentials.storeless import StorelessFetcher
from wxbus_token.credentials.timing import Timing
from wxbus_token.kinds import Credential, digest_of
from wxbus_token.metrics import Metrics

T = TypeVar("T")

APPID = "wx1"
SECRET = "SECRET-APPSECRET"
LIFETIME = 7200
FIRST_WAIT = 20.0
"""Seconds after a failed fetch. They pass on Redis's clock, so a busy machine must not reach their end."""


class WeChat:
    """Issues stable tokens by WeChat's rules to all instances."""

    def __init__(self) -> None:
        self.made = 1
        self.fetches = 0
        self.forced = 0
        self.expires_in = LIFETIME
        self.error: Exception | None = None
        self.rejected: set[str] = set()
        """Tokens that it rejects before they expire."""
        self.checks = 0
        self.check_error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    @property
    def current(self) -> str:
        """Return the token that is valid now."""
        return f"SECRET-TOKEN-{self.made}"

    async def accepted(self, value: str) -> bool:
        """Return whether a token is valid."""
        self.checks += 1
        if self.check_error:
            raise self.check_error
        return value == self.current and value not in self.rejected

    async def fetch(self, *, force: bool) -> FetchedToken:
        """Answer a fetch; the answer is made when the request arrives, and may be delivered much later."""
        self.fetches += 1
        if force:
            self.forced += 1
            self.made += 1
        fetched, error, gate = FetchedToken(self.current, self.expires_in), self.error, self.gate
        self.asked.set()
        await gate.wait()
        if error:
            raise error
        return fetched

    @asynccontextmanager
    async def answering_late(self, asking: Coroutine[Any, Any, T]) -> AsyncIterator["asyncio.Task[T]"]:
        """Start a call that fetches once: the answer is made at once, and is delivered at the end of the block.

        Fetches within the block are answered without delay.
        """
        gate, self.gate = self.gate, asyncio.Event()
        self.asked.clear()
        task = asyncio.create_task(asking)
        await self.asked.wait()
        late, self.gate = self.gate, gate
        yield task
        late.set()


class StableToken(Credential):
    """An account's stable access token."""

    kind = "access_token"
    idempotent = True
    forcible = True

    def __init__(self, wechat: WeChat, appid: str = APPID, secret: str = SECRET) -> None:
        self._wechat = wechat
        self.appid = appid
        self.fingerprint = digest_of(secret)

    async def accepted(self, value: str) -> bool | None:
        """Ask WeChat."""
        return await self._wechat.accepted(value)

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        return await self._wechat.fetch(force=force)


@dataclass
class Instance:
    """One instance of the service."""

    authority: Authority
    credential_store: CredentialStore
    grants: GrantStore
    quota: Quota
    reports: Reports
    refresh_loop: RefreshLoop
    proxy: Proxy
    clock: Clock
    manager: CredentialManager

    async def get(self) -> str:
        """Return the account's token."""
        return (await self.manager.get()).value

    async def report(self, token: str, *, by: str = "worker") -> str:
        """Report `token`; return the one to use."""
        return (await self.reports.report(self.manager, token, by=by)).value


@dataclass
class World:
    """Creates instances, and advances the time for all of them."""

    redis: "Redis"
    redis_url: str
    namespace: str
    wechat: WeChat
    keys: str
    stack: AsyncExitStack
    clock: Clock = field(default_factory=lambda: Clock(5_000_000.0))
    """Differs from the clocks of Redis and of the other tests."""

    async def instance(
        self,
        *,
        keys: str = "",
        secret: str = SECRET,
        wait_timeout: float = 1e9,
        per_day: int = 10**6,
        credential: Credential | None = None,
        without_store: bool = False,
        poll_interval: float = 1.0,
        answer_timeout: float = REDIS_TIMEOUT,
    ) -> Instance:
        """Return another instance, with its own connections."""
        proxy, url = await self.stack.enter_async_context(proxied(self.redis_url))
        store = await self.stack.enter_async_context(Store.open(url, answer_timeout=answer_timeout))
        keyring, metrics = Keyring.parse(keys or self.keys), Metrics(CollectorRegistry())
        credential_store = CredentialStore(store, keyring, namespace=self.namespace)
        grants = GrantStore(store, keyring, credential_store, namespace=self.namespace)
        quota = Quota(store, namespace=self.namespace, per_minute=10**6, per_day=per_day)
        fetcher = Fetcher(
            credential_store,
            grants,
            quota,
            metrics,
            refresh_margin=300.0,
            clock=self.clock,
            first_wait=FIRST_WAIT,
        )
        storeless = StorelessFetcher(quota, metrics, allowed=without_store, clock=self.clock)
        timing = Timing(lease=30.0, wait_timeout=wait_timeout)
        authority = Authority(
            credential_store,
            lambda each: CredentialManager(each, credential_store, fetcher, storeless, timing, clock=self.clock),
        )
        authority.configure([credential or StableToken(self.wechat, secret=secret)])
        reports = Reports(credential_store, metrics, clock=self.clock)
        self.stack.push_async_callback(authority.aclose)
        self.stack.push_async_callback(reports.aclose)
        return Instance(
            authority,
            credential_store,
            grants,
            quota,
            reports,
            RefreshLoop(authority, credential_store, poll_interval=poll_interval),
            proxy,
            self.clock,
            authority.manager("access_token", APPID),
        )

    def key(self, part: str) -> str:
        """Return the name of a key of the account in Redis."""
        return f"{self.namespace}:token:{{access_token:{APPID}}}:{part}"

    async def record(self) -> dict[str, str]:
        """Return the account's record without its encrypted fields."""
        found: dict[Any, Any] = await self.redis.hgetall(self.key("record"))
        return {name.decode(): value.decode() for name, value in found.items() if name not in {b"value", b"grant"}}

    async def lease_lapses(self) -> None:
        """End the lock's lease."""
        assert await self.redis.delete(self.key("lock")) == 1

    async def time_passes(self, seconds: float) -> None:
        """Advance the time, on Redis and on the instances."""
        self.clock.now += seconds
        for name, value in (await self.record()).items():
            if name in {"expires_at", "refresh_at", "failure_until", "accepted_until"}:
                await self.redis.hset(self.key("record"), name, str(int(value) - int(seconds * 1000)))
        forced: list[Any] = await self.redis.zrange(self.key("forced"), 0, -1, withscores=True)
        for member, score in forced:
            await self.redis.zadd(self.key("forced"), {member: score - seconds * 1000})

    async def forget_the_check(self) -> None:
        """End the time in which a value that WeChat accepted is not checked again."""
        await self.redis.hdel(self.key("record"), "accepted_until")

    async def refreshes(self, *instances: Instance) -> None:
        """Run one round of each instance's refresh loop, with the refreshes that it starts."""
        for instance in instances:
            await instance.refresh_loop.tick()
        for instance in instances:
            await instance.authority.drain()


@pytest.fixture
def wechat() -> WeChat:
    """Return the WeChat of all instances."""
    return WeChat()


@pytest.fixture
async def world(redis: "Redis", redis_url: str, namespace: str, wechat: WeChat) -> AsyncIterator[World]:
    """Yield the world of the test."""
    async with AsyncExitStack() as stack:
        yield World(redis, redis_url, namespace, wechat, new_encryption_key("k1"), stack)


@pytest.fixture
async def place(tmp_path: Path, redis_url: str, namespace: str) -> AsyncIterator[Place]:
    """Yield the settings of a service that is not running yet."""
    async with placed(tmp_path, redis_url, namespace) as place:
        yield place


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return the log so far; no test may log a token or a secret."""
    with structlog.testing.capture_logs() as entries:
        yield lambda: f"{entries} {caplog.text}"
        assert "SECRET-" not in f"{entries} {caplog.text}"
