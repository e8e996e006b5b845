"""What credentials are fetched with, replaced by each fetch: it is never lost, and never put back to an older one."""

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
from wxbus_local.servers.ports import free_port
from wxbus_token.kinds import digest_of
from wxbus_token.registry.keyring import new_encryption_key

pytestmark = pytest.mark.integration


class Rotating:
    """An authoriser's token: each fetch replaces the refresh token, and WeChat tells the current one if it is lost."""

    kind = "access_token"
    appid = APPID
    on_demand = False
    repeatable = False
    forcible = False
    checkable = True
    fingerprint = digest_of("platform")

    def __init__(self, wechat: WeChat) -> None:
        self._wechat = wechat
        self.refresh = "SECRET-REFRESH-1"
        self.recovered = 0

    async def accepted(self, value: str) -> bool:
        """Ask WeChat."""
        return await self._wechat.accepted(value)

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert not force
        if means != self.refresh:
            self.recovered += 1
        self._wechat.made += 1
        self.refresh = f"SECRET-REFRESH-{self._wechat.made}"
        given = FetchedToken(self._wechat.current, LIFETIME, self.refresh)
        await self._wechat.fetch(force=False)
        return given


@pytest.fixture
def rotating(wechat: WeChat) -> Rotating:
    """The credential."""
    return Rotating(wechat)


async def authorized(world: World, rotating: Rotating) -> Instance:
    """Return an instance that knows the refresh token."""
    one = await world.instance(credential=rotating)
    assert await one.credential_store.supply(rotating, rotating.refresh, at=1000, component="wx-platform")
    return one


async def killed(wechat: WeChat, instance: Instance) -> str:
    """Return the token in use, which WeChat refuses from now on."""
    wechat.killed.add(token := await instance.get())
    return token


async def test_value_and_refresh_token_are_stored_by_one_step(world: World, redis: "Redis", rotating: Rotating) -> None:
    """Both are there or neither is; sealed, and without an end: nobody would give us another."""
    one = await authorized(world, rotating)
    token = await one.get()
    record = await world.record()
    assert record["digest"] == digest_of(token)
    assert record["means_digest"] == digest_of(rotating.refresh)
    stored = await redis.dump(world.key("record"))
    assert stored is not None
    assert b"SECRET-" not in stored
    assert await redis.ttl(world.key("record")) == -1
    assert await (await world.instance(credential=rotating)).get() == token
    assert rotating.recovered == 0


async def test_an_end_between_answer_and_write_loses_nothing(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """The process that had WeChat's answer is no more: the next one is told the refresh token by WeChat."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        await one.authority.aclose()
        await asyncio.wait([caller])
    two = await world.instance(credential=rotating)
    assert await two.get() == wechat.current
    assert rotating.recovered == 1
    assert (await world.record())["means_digest"] == digest_of(rotating.refresh)


async def test_what_redis_was_away_for_is_stored_when_it_is_back(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """The answer came while Redis was away: it serves at once, and is written later, nothing is fetched again."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        await one.proxy.refuse()
    token = await caller
    assert "digest" not in await world.record()
    await one.proxy.listen()
    await world.refreshes(one)
    assert (await world.record())["means_digest"] == digest_of(rotating.refresh)
    assert await one.get() == await (await world.instance(credential=rotating)).get() == token
    assert (wechat.fetches, rotating.recovered) == (1, 0)


async def test_a_late_holder_does_not_put_an_older_refresh_token_back(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """It froze past its lease; another has fetched since: what it brings is refused, and what is stored replaced."""
    frozen = await authorized(world, rotating)
    other = await world.instance(credential=rotating)
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        token = await other.get()
    assert await late == token
    assert (await world.record())["means_digest"] == digest_of(rotating.refresh)


async def test_a_fetch_that_was_overtaken_by_an_authorisation_is_late(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """The account authorised anew meanwhile: what was fetched by the old authorisation is not used."""
    one = await authorized(world, rotating)
    async with wechat.answering_late(one.get()) as caller:
        rotating.refresh = "SECRET-REFRESH-NEW"
        assert await one.credential_store.supply(rotating, rotating.refresh, at=2000, component="wx-platform")
    assert await caller == wechat.current == "SECRET-TOKEN-3"
    assert rotating.recovered == 0
    assert (await world.record())["means_digest"] == digest_of(rotating.refresh)


async def test_a_fetch_that_was_overtaken_by_a_withdrawal_is_not_stored(
    world: World, redis: "Redis", wechat: WeChat, rotating: Rotating
) -> None:
    """Neither value nor refresh token come back, on any instance; that is remembered for a while, not for ever."""
    one, two = await authorized(world, rotating), await world.instance(credential=rotating)
    await one.get()
    assert await two.get()
    await world.time_passes(LIFETIME - 10)
    async with wechat.answering_late(one.authority.tick()):
        assert await one.credential_store.withdraw(rotating, at=3000, component="wx-platform")
    await one.authority.drain()
    for instance in (one, two):
        await instance.authority.tick()
        with pytest.raises(TokenRefused, match="withdrawn") as caught:
            await instance.get()
        assert caught.value.state == "reauthorize"
    assert (await world.record()).keys() == {"withdrawn", "means_at", "component"}
    assert 0 < await redis.ttl(world.key("record")) <= 90 * 86_400


async def test_a_platform_withdraws_only_what_it_was_given(world: World, rotating: Rotating) -> None:
    """Another platform's account, or one that authorised none, keeps its token."""
    one = await authorized(world, rotating)
    token = await one.get()
    assert not await one.credential_store.withdraw(rotating, at=3000, component="wx-other-platform")
    await one.authority.tick()
    assert await one.get() == token


async def test_authorised_anew_a_value_from_before_is_not_served(
    world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """It may do what the owner has just forbidden, or not what they have just allowed."""
    one = await authorized(world, rotating)
    before = await one.get()
    await one.credential_store.supply(rotating, rotating.refresh, at=2000, component="wx-platform")
    await one.authority.tick()
    assert await one.get() != before
    assert wechat.fetches == 2


async def test_a_refresh_token_opens_only_with_the_key(world: World, wechat: WeChat, rotating: Rotating) -> None:
    """Keys are changed as for values; without the key WeChat is asked for it, and it is sealed anew."""
    old, new = world.keys, new_encryption_key("k2")
    await (await authorized(world, rotating)).get()
    rotated = await world.instance(credential=rotating, keys=f"{new},{old}")
    await rotated.report(await killed(wechat, rotated))
    assert rotating.recovered == 0
    stranger = await world.instance(credential=rotating, keys=new_encryption_key("k9"))
    assert await stranger.get()
    assert rotating.recovered == 1


async def test_what_nobody_asks_for_is_sealed_anew(world: World, redis: "Redis", rotating: Rotating) -> None:
    """Before an old key is taken away, refresh tokens of idle accounts lie under the new one; those of now stay."""
    old, new = world.keys, new_encryption_key("k2")
    await (await authorized(world, rotating)).get()
    rotated = await world.instance(credential=rotating, keys=f"{new},{old}")
    assert await rotated.credential_store.seal_means_anew([rotating]) == 1
    assert await rotated.credential_store.seal_means_anew([rotating]) == 0
    alone = await world.instance(credential=rotating, keys=new)
    await alone.get()
    assert rotating.recovered == 0
    sealed = await redis.hget(world.key("record"), "means")  # type: ignore[misc]  # typed for both clients
    assert sealed is not None
    assert sealed.startswith(b"k2:")


class OneAtATime(Rotating):
    """A classic token: each fetch makes a new one, nothing is fetched with anything."""

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert (means, force) == (None, False)
        self._wechat.made += 1
        return await self._wechat.fetch(force=False)


async def test_a_late_fetch_that_ended_the_stored_value_hastens_its_refresh(world: World, wechat: WeChat) -> None:
    """A frozen holder's call reached WeChat last: the stored token lives for the overlap, the next look replaces it."""
    classic = OneAtATime(wechat)
    frozen, other = await world.instance(credential=classic), await world.instance(credential=classic)
    async with wechat.answering_late(frozen.get()) as late:
        await world.lease_lapses()
        stored = await other.get()
    assert await late == stored
    assert wechat.fetches == 2
    await world.refreshes(other)
    assert wechat.fetches == 3
    assert await other.get() == wechat.current != stored


class Confirmed(Rotating):
    """A ticket: WeChat gives the same again, and nobody can force another."""

    repeatable = True
    checkable = False

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:
        """Ask WeChat."""
        assert (means, force) == (None, False)
        return await self._wechat.fetch(force=False)


async def test_a_storm_of_wrong_reports_is_one_question(world: World, wechat: WeChat) -> None:
    """Two hundred callers on two instances report what WeChat says is valid: asked once, and everybody keeps it."""
    instances = [await world.instance(credential=Confirmed(wechat)) for _ in range(2)]
    ticket = await instances[0].get()
    assert await instances[1].get() == ticket
    answers = await asyncio.gather(*(instances[n % 2].report(ticket) for n in range(200)))
    assert set(answers) == {ticket}
    assert wechat.fetches == 2
    assert await instances[1].report(ticket) == ticket
    assert wechat.fetches == 2


async def test_a_ticket_that_is_dead_indeed_is_replaced(world: World, wechat: WeChat) -> None:
    """WeChat gives another one: the reporter has it at once, and so has everybody."""
    one = await world.instance(credential=Confirmed(wechat))
    ticket = await one.get()
    wechat.made += 1
    assert await one.report(ticket) == wechat.current != ticket
    assert wechat.fetches == 2


async def test_without_redis_a_token_is_fetched_if_a_setting_allows(world: World, wechat: WeChat) -> None:
    """Stable mode may be asked twice: with the setting callers have a token, without it a reason."""
    careful, bold = await world.instance(), await world.instance(without_store=True)
    for instance in (careful, bold):
        await instance.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="store is away"):
        await careful.get()
    assert wechat.fetches == 0
    assert await asyncio.gather(*(bold.get() for _ in range(20))) == [wechat.current] * 20
    assert (wechat.fetches, wechat.forced) == (1, 0)


async def test_without_redis_a_dead_token_is_not_forced(world: World, wechat: WeChat) -> None:
    """The limits of force are counted in Redis; another token is given if normal mode has one."""
    bold = await world.instance(without_store=True)
    dead = await killed(wechat, bold)
    await bold.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="dead token"):
        await bold.report(dead)
    wechat.made += 1
    assert await bold.report(dead) == wechat.current != dead
    assert wechat.forced == 0


async def test_without_redis_a_reported_token_is_checked_by_an_instance_that_has_none(
    world: World, wechat: WeChat
) -> None:
    """Normal mode returns the reported token: it is the answer if WeChat accepts it, and never if WeChat refuses it."""
    first, fresh = await world.instance(), await world.instance(without_store=True)
    token = await first.get()
    await fresh.proxy.refuse()
    assert await fresh.report(token) == token
    wechat.killed.add(token)
    another = await world.instance(without_store=True)
    await another.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="dead token"):
        await another.report(token)
    assert wechat.forced == 0


@pytest.mark.parametrize("kind", [Rotating, OneAtATime])
async def test_without_redis_nothing_is_fetched_that_ends_what_others_have(
    world: World, wechat: WeChat, kind: type[Rotating]
) -> None:
    """Each of these fetches kills the value before: not without the lock, whatever the setting."""
    bold = await world.instance(credential=kind(wechat), without_store=True)
    await bold.proxy.refuse()
    with pytest.raises(TokenUnavailable, match="store is away"):
        await bold.get()
    assert wechat.fetches == 0


@pytest.mark.programs("redis-server")
async def test_every_step_is_one_that_a_cluster_takes(
    tmp_path: Path, world: World, wechat: WeChat, rotating: Rotating
) -> None:
    """All keys of a command lie on one node: a Redis in cluster mode takes all scripts, reads many records, too."""
    port, bus = free_port(), free_port()
    arguments = ["--port", str(port), "--cluster-port", str(bus), "--cluster-enabled", "yes"]
    arguments += ["--dir", str(tmp_path), "--save", ""]
    server = await asyncio.create_subprocess_exec(program("redis-server"), *arguments, stdout=subprocess.DEVNULL)
    try:
        world.redis_url = f"redis://127.0.0.1:{port}/0"
        world.redis = Redis.from_url(world.redis_url)
        await cluster_of_one(world.redis)
        one = await authorized(world, rotating)
        await one.report(await killed(wechat, one))
        stable = (await world.instance()).manager.credential
        assert len(await one.credential_store.read([rotating, stable, Rotating(wechat)])) == 3
        await one.credential_store.mark_due(rotating)
        assert await one.credential_store.component_of(APPID) == "", "one of another kind is at hand"
        assert await one.credential_store.withdraw(rotating, at=3000, component="wx-platform")
        await world.redis.aclose()
    finally:
        server.terminate()
        await server.wait()


async def cluster_of_one(redis: "Redis") -> None:
    """Give all slots to the one node, as soon as it answers."""
    while True:
        try:
            await redis.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        except RedisConnectionError:
            await asyncio.sleep(0.02)
        else:
            break
    while b"cluster_state:ok" not in await redis.execute_command("CLUSTER", "INFO"):  # noqa: ASYNC110 - the node's own work
        await asyncio.sleep(0.02)
