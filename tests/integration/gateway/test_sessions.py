"""Sessions in Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.stores import open_store
from tests.support.token_service import eventually
from wxbus.aio.background import background
from wxbus.store.batches import Argument
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus.store.store import Store
from wxbus_gateway.sessions.cache import SessionCache
from wxbus_gateway.sessions.session import FoundSession, Lifetime
from wxbus_gateway.sessions.store import OVERLAP, SessionStore
from wxbus_gateway.sessions.tokens import id_of, is_token, new_token, successor
from wxbus_gateway.users.model import MiniProgramUser, Phone

pytestmark = pytest.mark.integration

LIFETIME = Lifetime(idle=3600, total=86_400, renew_after=1800)
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
USER = MiniProgramUser(7, "wx1", "o1", None, None, None, None, MOMENT, MOMENT)
KEYRING = Keyring.parse(new_encryption_key("a"))


class World:
    """Two gateways with one Redis; tests move their clock."""

    def __init__(self, store: Store, namespace: str) -> None:
        self.store = store
        self.time = 1_790_000_000.0
        self.namespace = namespace
        self.one, self.other = self.gateway(), self.gateway()

    def gateway(self) -> SessionStore:
        """Return the sessions of another gateway."""
        return SessionStore(self.store, KEYRING, LIFETIME, namespace=self.namespace, now=lambda: self.time)

    async def found(self, token: str) -> FoundSession:
        """Return the session of a token, which must be valid."""
        found = await self.other.find(token)
        assert found is not None
        return found


@pytest.fixture
async def world(redis_url: str, namespace: str) -> AsyncIterator[World]:
    """Yield two gateways."""
    async with open_store(redis_url) as store:
        yield World(store, namespace)


async def test_a_session_is_valid_on_every_gateway(world: World) -> None:
    """The token of one gateway is valid on another one; Redis holds only its hash."""
    started = await world.one.start("mini", USER)

    assert (await world.found(started.token)).session == started.session
    assert is_token(started.token)
    keys = await world.store.command("KEYS", f"{world.namespace}*")
    records = [await world.store.command("GET", key) for key in keys if b":session:" in key]
    assert started.token.encode() not in b"".join(keys) + b"".join(records)
    assert await world.other.find(new_token()) is None


async def test_a_token_is_replaced_ahead_of_time(world: World) -> None:
    """When it is due, all calls and gateways are given the same new token; the old one stays valid for a moment."""
    started = await world.one.start("mini", USER)
    world.time += LIFETIME.renew_after

    renewed = await asyncio.gather(*(gateway.find(started.token) for gateway in (world.one, world.other) * 5))

    (token,) = {found.token for found in renewed if found}
    assert token not in (started.token, "")
    assert (await world.found(token)).token == token, "the new one is not due yet"
    left = await world.store.command("TTL", f"{world.namespace}:gateway:session:{started.session.id}")
    assert 0 < left <= OVERLAP
    assert (await world.found(started.token)).token == token, "the answer with the new token may be lost"


async def test_a_session_ends_at_its_absolute_end(world: World) -> None:
    """However often its token is replaced, the session does not outlive its total time."""
    token = (await world.one.start("mini", USER)).token
    for _ in range(int(LIFETIME.total / LIFETIME.renew_after) - 1):
        world.time += LIFETIME.renew_after
        token = (await world.found(token)).token
    assert (await world.found(token)).expires_in <= LIFETIME.renew_after
    world.time += LIFETIME.renew_after
    assert await world.other.find(token) is None


async def test_use_extends_a_session(world: World) -> None:
    """A session that is used has its whole idle time again; one that is not used expires in Redis."""
    started = await world.one.start("mini", USER)
    key = f"{world.namespace}:gateway:session:{started.session.id}"
    await world.store.command("EXPIRE", key, 60)

    await world.one.extend(started.session)

    assert await world.store.command("TTL", key) > 3000


async def test_an_open_socket_extends_its_session(world: World) -> None:
    """It has its whole idle time again, under the token that counts: a replaced one still ends after a minute."""
    started = await world.one.start("mini", USER)
    world.time += LIFETIME.renew_after
    renewed = (await world.found(started.token)).session
    keys = [f"{world.namespace}:gateway:session:{one.id}" for one in (started.session, renewed)]
    await world.store.command("EXPIRE", keys[1], 60)

    assert await world.one.keep_open("wx1", "o1", renewed.login)

    old, new = [await world.store.command("TTL", key) for key in keys]
    assert old <= OVERLAP < 3000 < new
    await world.one.end(started.token)
    assert not await world.one.keep_open("wx1", "o1", renewed.login)


async def test_logout_ends_the_session_under_all_its_tokens(world: World) -> None:
    """After a logout neither the token before, which may be stolen, nor the one after is valid."""
    for logged_out in ("old", "new"):
        old = (await world.one.start("mini", USER)).token
        world.time += LIFETIME.renew_after
        new = (await world.found(old)).token
        await world.one.end({"old": old, "new": new}[logged_out])
        assert [await world.other.find(token) for token in (old, new)] == [None, None], logged_out


async def test_all_sessions_of_a_user_end_at_once(world: World) -> None:
    """Every device is logged out; other users are not."""
    tokens = [(await world.one.start("mini", USER)).token for _ in range(3)]
    stranger = await world.one.start("mini", MiniProgramUser(8, "wx1", "o2", None, None, None, None, MOMENT, MOMENT))

    assert await world.other.end_all("wx1", "o1") == 3

    assert [await world.one.find(token) for token in tokens] == [None] * 3
    assert await world.one.find(stranger.token) == stranger


async def test_all_sessions_learn_what_is_known_of_the_user(world: World) -> None:
    """A phone number that one device gives is known in the sessions of the others."""
    tokens = [(await world.one.start("mini", USER)).token for _ in range(2)]
    phone = Phone(number="13800138000", country_code="86")

    await world.one.update(MiniProgramUser(7, "wx1", "o1", "u1", None, phone, "c7", MOMENT, MOMENT))

    for token in tokens:
        state = (await world.found(token)).state
        assert (state.phone, state.profile, state.uid) == (True, True, "c7")
        assert phone.number not in state.model_dump_json()


async def test_an_update_does_not_revive_an_ended_session(world: World) -> None:
    """A change that comes after the logout is dropped."""
    started = await world.one.start("mini", USER)
    await world.one.end(started.token)
    await world.other.set_data(started.session, {"cart": 1})
    assert await world.one.find(started.token) is None


async def test_a_revocation_is_heard_at_once(world: World) -> None:
    """A gateway that has the session in memory drops it when another gateway ends it."""
    cache = SessionCache(world.other, world.store, clock=lambda: 0.0)  # for this clock a second never ends

    async def subscribed() -> bool:
        return bool((await world.store.command("PUBSUB", "NUMSUB", world.other.channel))[1])

    async def ended() -> bool:
        return await cache.find(started.token) is None

    async with background(cache.listen()):
        await eventually(subscribed)
        started = await world.one.start("mini", USER)
        assert await cache.find(started.token) == started
        await world.one.end(started.token)
        await eventually(ended)


async def test_a_renewal_does_not_revive_an_ended_session(world: World) -> None:
    """A call that is about to replace the token gets no session, if a logout comes between two of its commands."""
    for ending in ("end", "end_all"):
        for commands in range(8):
            started = await world.one.start("mini", USER)
            world.time += LIFETIME.renew_after

            async def end(token: str = started.token, ending: str = ending) -> None:
                await (world.other.end(token) if ending == "end" else world.other.end_all("wx1", "o1"))

            interrupted = _Interrupted(world.store, after=commands, work=end)
            gateway = SessionStore(interrupted, KEYRING, LIFETIME, namespace=world.namespace, now=lambda: world.time)
            found = await gateway.find(started.token)
            assert interrupted.done
            tokens = [started.token, successor(started.token, KEYRING)]
            assert [await world.other.find(token) for token in tokens] == [None, None], (ending, commands, found)


async def test_logout_ends_the_tokens_of_all_encryption_keys(world: World) -> None:
    """While keys are changed, two gateways replace one token by two; a logout with one of them ends both."""
    keys = new_encryption_key("b"), new_encryption_key("c")
    gateways = [
        SessionStore(
            world.store, Keyring.parse(",".join(order)), LIFETIME, namespace=world.namespace, now=lambda: world.time
        )
        for order in (keys, keys[::-1])
    ]
    started = await gateways[0].start("mini", USER)
    world.time += LIFETIME.renew_after
    found = [await gateway.find(started.token) for gateway in gateways]
    tokens = [one.token for one in found if one]
    assert len(set(tokens)) == 2

    await gateways[0].end(tokens[0])

    assert [await world.one.find(token) for token in (started.token, *tokens)] == [None] * 3


class _Interrupted(Store):
    """A store in which something happens after a number of commands."""

    def __init__(self, store: Store, *, after: int, work: Callable[[], Awaitable[None]]) -> None:
        self._store, self._left, self._work, self.done = store, after, work, False

    async def command(self, name: str, *words: Argument) -> Any:
        """Run the command; before it, perhaps what is to happen."""
        if self._left == 0:
            self.done = True
            await self._work()
        self._left -= 1
        return await self._store.command(name, *words)


async def test_a_gateway_sees_its_own_changes_at_once(world: World) -> None:
    """A page that shared the phone number calls again at once: the session in memory must know it."""
    cache = SessionCache(world.one, world.store, clock=lambda: 0.0)
    started = await world.one.start("mini", USER)
    assert await cache.find(started.token) == started
    phone = Phone(number="13800138000", country_code="86")
    await world.one.update(MiniProgramUser(7, "wx1", "o1", None, None, phone, None, MOMENT, MOMENT))
    found = await cache.find(started.token)
    assert found is not None
    assert found.session.has_phone
    await world.one.end(started.token)
    assert await cache.find(started.token) is None


async def test_a_successor_needs_the_key() -> None:
    """Who has a token cannot compute its successor; another key gives another one."""
    token = new_token()
    assert successor(token, KEYRING) == successor(token, KEYRING)
    assert successor(token, KEYRING) != successor(token, Keyring.parse(new_encryption_key("a")))
    assert id_of(token) not in successor(token, KEYRING)
