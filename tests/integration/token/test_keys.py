"""API keys that admins make while the service runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, SHOP, Place, eventually, service
from wxbus.config.settings import StoreSettings
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.auth.keys import new_key
from wxbus.tokens.messages import TokenAnswer, TokenRequest
from wxbus_token.api.messages import Everything, KeyList, ListedKey, MadeKey, NewKey, Revocation, Revoked, Rotation
from wxbus_token.app import serving

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

A = TypeVar("A", bound=BaseModel)
GET = f"token:get:{SHOP}"


class Admin:
    """Somebody who makes keys, at one instance."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str, key: str) -> AsyncIterator["Admin"]:
        """Yield an admin."""
        async with Client.open(url, key) as client:
            yield cls(client)

    async def add(self, name: str = "reports", scopes: tuple[str, ...] = (GET,), **more: float | str) -> MadeKey:
        """Make a key."""
        request = NewKey.model_validate({"name": name, "scopes": list(scopes), **more})
        return await self._client.call("keys", "add", request, MadeKey)

    async def rotate(self, name: str = "reports", *, overlap: float = 3600) -> MadeKey:
        """Change a key."""
        return await self._client.call("keys", "rotate", Rotation(name=name, overlap=overlap), MadeKey)

    async def revoke(self, name: str = "reports", key: str | None = None) -> list[str]:
        """Make keys worthless."""
        return (await self._client.call("keys", "revoke", Revocation(name=name, key=key), Revoked)).keys

    async def listed(self) -> dict[str, ListedKey]:
        """Return all keys, by prefix."""
        return {entry.key: entry for entry in (await self._client.call("keys", "list", Everything(), KeyList)).keys}


async def opens(url: str, key: str | None, appid: str = SHOP) -> bool:
    """Whether the key gets a token; if not, it is no key at all."""
    async with Client.open(url, key or "") as client:
        try:
            await client.call("token", "get", TokenRequest(appid=appid), TokenAnswer)
        except RpcFailure as exc:
            if exc.status not in {401, 429}:  # 429: this address has asked too often without a good key
                raise
            return False
    return True


async def test_a_key_opens_all_instances_until_it_is_revoked(place: Place) -> None:
    """Made at one instance, good at all, also after a restart; revoked at another, good at none."""
    async with (
        service(place.settings) as url,
        service(place.settings) as other_url,
        Admin.of(url, place.admin_key) as admin,
        Admin.of(other_url, place.admin_key) as other,
    ):
        made = await admin.add()
        assert await opens(url, made.api_key)
        await eventually(lambda: opens(other_url, made.api_key))
        with pytest.raises(RpcFailure, match="403"):
            await opens(url, made.api_key, CAFE)
        async with service(place.settings) as later_url:
            await eventually(lambda: opens(later_url, made.api_key))
        assert await other.revoke() == [made.key]
        assert not await opens(other_url, made.api_key)
        await eventually(lambda: closed(url, made.api_key))


async def closed(url: str, key: str | None) -> bool:
    """Whether the key is no key any more."""
    return not await opens(url, key)


async def test_a_key_is_changed_with_overlap(place: Place) -> None:
    """The new key has the scopes of the old one; both are good until the overlap is over, then the new one alone."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        old = await admin.add()
        new = await admin.rotate(overlap=3600)
        assert new.scopes == old.scopes
        assert await opens(url, old.api_key)
        assert await opens(url, new.api_key)
        third = await admin.rotate(overlap=0)
        for key, good in ((old, False), (new, False), (third, True)):
            assert await opens(url, key.api_key) is good
        listed = await admin.listed()
        assert listed[third.key].expires is None
        assert old.key in listed, "kept, so that it can be seen when it ended"
        fourth = await admin.rotate()
        assert {old.key, new.key}.isdisjoint(await admin.listed())
        assert await admin.revoke(key=fourth.key) == [fourth.key]
        assert await admin.revoke(key=third.key) == [third.key]
        assert not await opens(url, third.api_key)


async def test_a_key_with_a_life_ends(place: Place) -> None:
    """It is good until then, by Redis's clock, on an instance that hears of nothing more too."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        made = await admin.add(life=2.0)
        assert await opens(url, made.api_key)
        await eventually(lambda: closed(url, made.api_key))


async def test_a_key_with_a_life_is_changed_for_one_with_the_same(place: Place) -> None:
    """Who may change a key cannot make it last longer than who made it meant."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        lives = []
        for made in (await admin.add(life=7200), await admin.rotate(overlap=3600), await admin.rotate(overlap=3600)):
            assert made.expires is not None
            assert made.created is not None
            lives.append(round((made.expires - made.created).total_seconds()))
        assert lives == [7200] * 3
        soonest = min(one.expires for one in (await admin.listed()).values() if one.expires is not None)
        assert soonest < made.expires


async def test_nobody_gives_more_than_he_has(place: Place) -> None:
    """A key that may make keys makes none that may more than itself."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        lesser = await admin.add("clerk", ("keys:*:*", f"token:*:{SHOP}"))
        strong = await admin.add("strong", ("token:get:*",))
        async with Admin.of(url, lesser.api_key or "") as clerk:
            assert await opens(url, (await clerk.add()).api_key)
            for scope in ("token:get:*", f"token:get:{CAFE}", "*:*:*", f"*:get:{SHOP}", "accounts:list:all"):
                with pytest.raises(RpcFailure, match="403 Beyond your own"):
                    await clerk.add(scopes=(GET, scope))
            with pytest.raises(RpcFailure, match="403 Beyond your own"):
                await clerk.rotate("strong")
            for key in (None, strong.key):
                with pytest.raises(RpcFailure, match="403 Beyond your own"):
                    await clerk.revoke("strong", key)
            assert await clerk.revoke()
        assert await opens(url, strong.api_key)


async def test_names_of_keys_are_unique(place: Place) -> None:
    """Nobody adds a key under a name that exists, registered or in the file, also at two instances at once."""
    async with (
        service(place.settings) as url,
        service(place.settings) as other_url,
        Admin.of(url, place.admin_key) as admin,
        Admin.of(other_url, place.admin_key) as other,
    ):
        outcomes = await asyncio.gather(
            *(one.add("reports") for one in (admin, other) for _ in range(4)), return_exceptions=True
        )
        assert [isinstance(outcome, MadeKey) for outcome in outcomes].count(True) == 1
        assert all(isinstance(outcome, MadeKey | RpcFailure) for outcome in outcomes)
        for name in ("reports", "worker"):
            with pytest.raises(RpcFailure, match="409"):
                await other.add(name)
        with pytest.raises(RpcFailure, match="409"):
            await admin.add("reports", subject="CN=reports")
        assert len([one for one in (await admin.listed()).values() if one.name == "reports"]) == 1
        await admin.revoke("reports")
        assert await admin.add("reports")


async def test_keys_of_the_file_stay_in_the_file(place: Place) -> None:
    """They are listed; revoking or rotating them says where they stand."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        assert {entry.name for entry in (await admin.listed()).values()} == {"worker", "shop", "admin"}
        for change in (admin.rotate, admin.revoke):
            with pytest.raises(RpcFailure, match="change it there"):
                await change("worker")
            with pytest.raises(RpcFailure, match="404"):
                await change("nobody")
        assert await opens(url, place.key)


async def test_the_file_of_keys_is_read_again(place: Place) -> None:
    """A key that is written into it opens without a restart, one that is taken out opens nothing any more."""
    path = place.settings.api_keys_file
    before = path.read_text()
    key, entry = new_key("reports", [GET])
    async with service(place.settings) as url:
        assert not await opens(url, key)
        path.write_text(f"{before}\n{entry.as_toml()}\n")
        await eventually(lambda: opens(url, key))
        async with Admin.of(url, place.admin_key) as admin:
            assert (await admin.listed())[entry.key].source == "file"
        path.write_text(before)
        await eventually(lambda: closed(url, key))
        path.write_text("")
        await eventually(lambda: closed(url, place.key))


async def test_a_broken_file_of_keys_changes_nothing_and_is_told(place: Place) -> None:
    """Keys from before go on, the service stays ready and says what is wrong, by no key; mended, it is taken."""
    path = place.settings.api_keys_file
    before = path.read_text()
    async with (
        serving(place.settings, registry=CollectorRegistry()) as addresses,
        aiohttp.ClientSession(f"http://127.0.0.1:{addresses.admin_port}") as http,
    ):

        async def told() -> str:
            async with http.get("/readyz") as answer:
                assert answer.status == 200
                parts = (await answer.json())["parts"]
                assert parts["accounts"] == "ready"
                return str(parts["api_keys"])

        async def is_wrong() -> bool:
            return await told() != "ready"

        async def is_right() -> bool:
            return not await is_wrong()

        assert await is_right()
        path.write_text(before.replace("scopes", "scope"))
        await eventually(is_wrong)
        assert f"{path}: 0.scopes: is missing" in await told()
        assert await opens(f"http://127.0.0.1:{addresses.port}", place.key)
        path.write_text(before)
        await eventually(is_right)


async def test_what_is_seen_of_a_key(place: Place, redis: "Redis") -> None:
    """Prefix, scopes and when it was last used; the key itself is told once and is neither listed nor kept."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        made = await admin.add()
        assert made.api_key is not None
        assert (await admin.listed())[made.key].last_used is None
        await opens(url, made.api_key)

        async def noted() -> bool:
            return (await admin.listed())[made.key].last_used is not None

        await eventually(noted)
        entry = (await admin.listed())[made.key]
        assert (entry.name, entry.scopes, entry.source) == ("reports", [GET], "registered")
        assert made.api_key not in repr(made) + repr(await admin.listed())
    async for key in redis.scan_iter(match=f"{place.settings.store.namespace}:*"):
        dump = await redis.dump(key)
        assert dump is not None
        assert made.api_key.encode() not in dump


async def test_with_redis_away_keys_go_on(place: Place, redis_url: str) -> None:
    """Those last read are good, one that was revoked is not, and a wrong one is still 401."""
    async with proxied(redis_url) as (proxy, proxied_url):
        store = StoreSettings(redis_url=SecretStr(proxied_url), namespace=place.settings.store.namespace)
        async with (
            service(place.settings.model_copy(update={"store": store})) as url,
            Admin.of(url, place.admin_key) as admin,
        ):
            kept, gone, short = await admin.add("kept"), await admin.add("gone"), await admin.add("short", life=1.0)
            assert await opens(url, kept.api_key)
            await admin.revoke("gone")
            await proxy.refuse()
            assert await opens(url, kept.api_key)
            assert not await opens(url, gone.api_key)
            await eventually(lambda: closed(url, short.api_key))
            with pytest.raises(RpcFailure, match="503"):
                await admin.revoke("kept")
