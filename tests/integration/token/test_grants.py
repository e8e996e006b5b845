"""Grants that each fetch replaces: they are not lost, and never replaced by older ones."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.integration.token.conftest import APPID, LIFETIME, Instance, WeChat, World
from tests.support.programs import program
from wxbus.api.credentials import FetchedToken
from wxbus.errors import TokenRefused, TokenUnavailable
from wxbus.store.keyring import new_encryption_key
from wxbus_local.servers.ports import free_port
from wxbus_token.kinds import Credential, GrantMissing, digest_of

pytestmark = pytest.mark.integration


class Rotating(Credential):
    """An authorizer's token: each fetch replaces the refresh token, and a lost one is read from WeChat."""

    kind = "access_token"
    appid = APPID
    fingerprint = digest_of("platform")

    def __init__(self, wechat: WeChat) -> None:
        self._wechat = wechat
        self.refresh = "SECRET-REFRESH-1"
        self.recovered = 0

    async def accepted(self, value: str) -> bool | None:
        """Ask WeChat."""
        return await self._wechat.accepted(value)

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert not force
        if grant != self.refresh:
            self.recovered += 1
        self._wechat.made += 1
        self.refresh = f"SECRET-REFRESH-{self._wechat.made}"
        fetched = FetchedToken(self._wechat.current, LIFETIME, self.refresh)
        await self._wechat.fetch(force=False)
        return fetched


@pytest.fixture
def rotating(wechat: WeChat) -> Rotating:
    """Return the credential."""
    return Rotating(wechat)


async def authorized(world: World, rotating: Rotating) -> Instance:
    """Return an instance that knows the refresh token."""
    one = await world.instance(credential=rotating)
    assert await one.grants.write(rotating, rotating.refresh, at=1000, component="wx-platform")
    return one


async def rejected(wechat: WeChat, instance: Instance) -> str:
    """Return the token in use, which WeChat rejects from now on."""
    wechat.rejected.add(token := await instance.get())
    return token


async def test_value_and_refresh_token_are_stored_in_one_step(world: World, redis: "Redis", rotating: Rotating) -> None:
    """Redis has both, encrypted, or neither; the record does not expire, because the refresh token must be kept."""
    one = await authorized(world, rotating)
    token = await one.get()
    record = await world.record()
    assert record["digest"] == digest_of(token)
    assert record["grant_digest"] == digest_of(rotating.refresh)
    stored = await redis.dump(world.key("record"))
    assert stored is not None
    assert b"SECRET-" not in stored
    assert await redis.ttl(world.key("record")) == -1
    assert await (await world.instance(credential=rotating)).get() == token
    assert rotating.recovered == 0


async def test_a_crash_between_answer_and_write_is_repaired(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """The process that had WeChat's answer has ended: the next one reads the refresh token from WeChat."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        await one.authority.aclose()
        await asyncio.wait([caller])
    two = await world.instance(credential=rotating)
    assert await two.get() == wechat.current
    assert rotating.recovered == 1
    assert (await world.record())["grant_digest"] == digest_of(rotating.refresh)


async def test_a_value_fetched_while_redis_was_away_is_stored_later(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """The value is served at once, and is written when Redis is back; nothing is fetched again."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    token = await caller
    assert "digest" not in await world.record()
    await one.proxy.listen()
    await world.refreshes(one)
    assert (await world.record())["grant_digest"] == digest_of(rotating.refresh)
    assert await one.get() == await (await world.instance(credential=rotating)).get() == token
    assert (wechat.fetches, rotating.recovered) == (1, 0)


async def test_a_stale_fence_does_not_restore_an_older_refresh_token(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """An instance froze past its lease and another has fetched since: its write is refused."""
    frozen = await authorized(world, rotating)
    other = await world.instance(credential=rotating)
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        token = await other.get()
    assert await late == token
    assert (await world.record())["grant_digest"] == digest_of(rotating.refresh)


async def test_a_new_authorisation_overtakes_a_fetch(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """The account authorises again during a fetch: the value of the old authorisation is not used."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        rotating.refresh = "SECRET-REFRESH-NEW"
        assert await one.grants.write(rotating, rotating.refresh, at=2000, component="wx-platform")
    assert await caller == wechat.current == "SECRET-TOKEN-3"
    assert rotating.recovered == 0
    assert (await world.record())["grant_digest"] == digest_of(rotating.refresh)


async def test_a_withdrawal_overtakes_a_fetch(world: World, redis: "Redis", wechat: WeChat, rotating: Rotating) -> None:
    """No instance stores the value or the refresh token; the withdrawal is remembered for 90 days."""
    one, two = await authorized(world, rotating), await world.instance(credential=rotating)
    await one.get()
    assert await two.get()
    await world.time_passes(LIFETIME - 10)
    async with wechat.answering_late(one.refresh_loop.tick()):
        assert await one.grants.withdraw(rotating, at=3000, component="wx-platform")
    await one.authority.drain()
    for instance in (one, two):
        await instance.refresh_loop.tick()
        with pytest.raises(TokenRefused, match="withdrawn") as caught:
            await instance.get()
        assert caught.value.state == "reauthorize"
    assert (await world.record()).keys() == {"withdrawn", "grant_at", "component"}
    assert 0 < await redis.ttl(world.key("record")) <= 90 * 86_400


class Ticketed(Rotating):
    """A platform's token: without a ticket the fetch fails for ten minutes, unless one arrives."""

    arriving: asyncio.Event | None = None
    """Set when a fetch has begun; the fetch then waits for `arrived`."""
    arrived: asyncio.Event

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:
        """Fail without a ticket."""
        if self.arriving is not None:
            self.arriving.set()
            await self.arrived.wait()
        if grant is None:
            raise GrantMissing("no ticket")
        await self._wechat.fetch(force=force)
        return FetchedToken(self._wechat.current, LIFETIME)


async def test_a_ticket_that_arrives_during_a_failing_fetch_is_used(world: World, wechat: WeChat) -> None:
    """The failure of a fetch with an earlier ticket, or without one, does not delay the fetch with the new one."""
    ticketed = Ticketed(wechat)
    one = await world.instance(credential=ticketed)
    ticketed.arriving, ticketed.arrived = asyncio.Event(), asyncio.Event()
    fetching = asyncio.create_task(one.get())
    await ticketed.arriving.wait()
    assert await one.grants.write(ticketed, "ticket", at=1000)
    ticketed.arrived.set()
    assert await fetching == wechat.current
    assert "failures" not in await world.record()


async def test_a_failure_without_a_ticket_is_waited_out(world: World, wechat: WeChat) -> None:
    """Without a new ticket the failure stays for all instances; the ticket ends it."""
    ticketed = Ticketed(wechat)
    one, two = await world.instance(credential=ticketed), await world.instance(credential=ticketed)
    for instance in (one, two):
        with pytest.raises(TokenUnavailable, match="no ticket"):
            await instance.get()
    assert (await world.record())["failures"] == "1"
    assert await one.grants.write(ticketed, "ticket", at=1000)
    assert await two.get() == wechat.current


async def test_a_withdrawal_affects_its_own_platform_only(world: World, rotating: Rotating) -> None:
    """A withdrawal from another platform does not change the account's token."""
    one = await authorized(world, rotating)
    token = await one.get()
    assert not await one.grants.withdraw(rotating, at=3000, component="wx-other-platform")
    await one.refresh_loop.tick()
    assert await one.get() == token


async def test_a_new_authorisation_replaces_the_value(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """The value from before has the permissions of the old authorisation, so it is not served any more."""
    one = await authorized(world, rotating)
    before = await one.get()
    await one.grants.write(rotating, rotating.refresh, at=2000, component="wx-platform")
    await one.refresh_loop.tick()
    assert await one.get() != before
    assert wechat.fetches == 2


async def test_a_refresh_token_needs_its_key(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """Keys are rotated as for values; an instance without the key reads the refresh token from WeChat."""
    old, new = world.keys, new_encryption_key("k2")
    await (await authorized(world, rotating)).get()
    rotated = await world.instance(credential=rotating, keys=f"{new},{old}")
    await rotated.report(await rejected(wechat, rotated))
    assert rotating.recovered == 0
    stranger = await world.instance(credential=rotating, keys=new_encryption_key("k9"))
    assert await stranger.get()
    assert rotating.recovered == 1


async def test_grants_of_idle_accounts_are_reencrypted(world: World, redis: "Redis", rotating: Rotating) -> None:
    """Refresh tokens that nobody uses are encrypted with the new key, so that the old key can be removed."""
    old, new = world.keys, new_encryption_key("k2")
    await (await authorized(world, rotating)).get()
    rotated = await world.instance(credential=rotating, keys=f"{new},{old}")
    assert await rotated.grants.reencrypt([rotating]) == 1
    assert await rotated.grants.reencrypt([rotating]) == 0
    alone = await world.instance(credential=rotating, keys=new)
    await alone.get()
    assert rotating.recovered == 0
    encrypted = await redis.hget(world.key("record"), "grant")
    assert isinstance(encrypted, bytes)
    assert encrypted.startswith(b"k2:")


class Classic(Rotating):
    """A classic token: each fetch makes a new one, and no grant is needed."""

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert (grant, force) == (None, False)
        self._wechat.made += 1
        return await self._wechat.fetch(force=False)


async def test_a_late_fetch_marks_the_stored_value_as_due(world: World, wechat: WeChat) -> None:
    """A frozen instance's request reached WeChat last: the stored token lives for the overlap only, and is replaced."""
    classic = Classic(wechat)
    frozen, other = await world.instance(credential=classic), await world.instance(credential=classic)
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        stored = await other.get()
    assert await late == stored
    assert wechat.fetches == 2
    await world.refreshes(other)
    assert wechat.fetches == 3
    assert await other.get() == wechat.current != stored


class IdempotentTicket(Rotating):
    """A ticket: WeChat returns the same one again, has no forced refresh and no call that checks it."""

    idempotent = True

    async def accepted(self, _value: str) -> None:
        """Return None: there is no such call."""

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert (grant, force) == (None, False)
        return await self._wechat.fetch(force=False)


async def test_concurrent_false_reports_cost_one_request(world: World, wechat: WeChat) -> None:
    """Two hundred callers on two instances report a valid ticket: WeChat is asked once, and all keep the ticket."""
    instances = [await world.instance(credential=IdempotentTicket(wechat)) for _ in range(2)]
    ticket = await instances[0].get()
    assert await instances[1].get() == ticket
    answers = await asyncio.gather(*(instances[n % 2].report(ticket) for n in range(200)))
    assert set(answers) == {ticket}
    assert wechat.fetches == 2
    assert await instances[1].report(ticket) == ticket
    assert wechat.fetches == 2


async def test_an_invalid_ticket_is_replaced(world: World, wechat: WeChat) -> None:
    """WeChat returns another ticket: the caller that reported the old one gets it."""
    one = await world.instance(credential=IdempotentTicket(wechat))
    ticket = await one.get()
    wechat.made += 1
    assert await one.report(ticket) == wechat.current != ticket
    assert wechat.fetches == 2


async def test_without_redis_a_token_is_fetched_if_a_setting_allows(world: World, wechat: WeChat) -> None:
    """Fetches of stable tokens may be concurrent: with the setting callers get a token, without it an error."""
    default, storeless = await world.instance(), await world.instance(without_store=True)
    for instance in (default, storeless):
        await instance.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="Redis is unavailable"):
        await default.get()
    assert wechat.fetches == 0
    assert await asyncio.gather(*(storeless.get() for _ in range(20))) == [wechat.current] * 20
    assert (wechat.fetches, wechat.forced) == (1, 0)


async def test_without_redis_no_refresh_is_forced(world: World, wechat: WeChat) -> None:
    """The limits of forced refreshes are counted in Redis; a reported token is replaced if normal mode has another."""
    storeless = await world.instance(without_store=True)
    reported = await rejected(wechat, storeless)
    await storeless.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="rejected token"):
        await storeless.report(reported)
    wechat.made += 1
    assert await storeless.report(reported) == wechat.current != reported
    assert wechat.forced == 0


async def test_without_redis_an_instance_without_a_token_checks_a_report(world: World, wechat: WeChat) -> None:
    """Normal mode returns the reported token: it is the answer if WeChat accepts it, and an error otherwise."""
    first, fresh = await world.instance(), await world.instance(without_store=True)
    token = await first.get()
    await fresh.proxy.refuse()
    assert await fresh.report(token) == token
    wechat.rejected.add(token)
    another = await world.instance(without_store=True)
    await another.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="rejected token"):
        await another.report(token)
    assert wechat.forced == 0


@pytest.mark.parametrize("kind", [Rotating, Classic])
async def test_without_redis_nothing_is_fetched_that_needs_the_lock(
    world: World, wechat: WeChat, kind: type[Rotating]
) -> None:
    """A fetch that ends the value of other instances is never made without the lock, whatever the setting."""
    storeless = await world.instance(credential=kind(wechat), without_store=True)
    await storeless.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="Redis is unavailable"):
        await storeless.get()
    assert wechat.fetches == 0


@pytest.mark.programs("redis-server")
async def test_all_scripts_run_in_a_cluster(tmp_path: Path, world: World, wechat: WeChat, rotating: Rotating) -> None:
    """The keys of each command are on one node, so a Redis in cluster mode accepts all of them."""
    port, bus = free_port(), free_port()
    arguments = ["--port", str(port), "--cluster-port", str(bus), "--cluster-enabled", "yes"]
    arguments += ["--dir", str(tmp_path), "--save", ""]
    server = await asyncio.create_subprocess_exec(program("redis-server"), *arguments, stdout=subprocess.DEVNULL)
    try:
        world.redis_url = f"redis://127.0.0.1:{port}/0"
        world.redis = Redis.from_url(world.redis_url)
        await cluster_of_one(world.redis)
        one = await authorized(world, rotating)
        await one.report(await rejected(wechat, one))
        stable = (await world.instance()).manager.credential
        assert len(await one.credential_store.read([rotating, stable, Rotating(wechat)])) == 3
        await one.credential_store.mark_due(rotating)
        assert await one.grants.component_of(APPID) == "", "no account has authorised a platform"
        assert await one.grants.withdraw(rotating, at=3000, component="wx-platform")
        await world.redis.aclose()
    finally:
        server.terminate()
        await server.wait()


async def cluster_of_one(redis: "Redis") -> None:
    """Assign all slots to the one node, as soon as it answers."""
    while True:
        try:
            await redis.cluster("ADDSLOTSRANGE", 0, 16383)
        except RedisConnectionError:
            await asyncio.sleep(0.02)
        else:
            break
    while (await redis.cluster("INFO"))["cluster_state"] != "ok":  # noqa: ASYNC110 - the node's own work
        await asyncio.sleep(0.02)
