"""API keys that operators register at run time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, SHOP, Place, eventually, rewrite, served, service
from wxbus.config.settings import StoreSettings
from wxbus.errors import RpcFailure
from wxbus.rpc import Client
from wxbus.rpc.auth.keys import new_key
from wxbus.tokens.services import TokenService
from wxbus_token.api.admin import KeysService
from wxbus_token.api.messages import CreatedKey, KeyInfo

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

GET = f"token:get:{SHOP}"


class Admin:
    """An operator, at one instance."""

    def __init__(self, client: Client) -> None:
        self._keys = client.bind(KeysService)

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str, key: str) -> AsyncIterator["Admin"]:
        """Yield an operator."""
        async with Client.open(url, key) as client:
            yield cls(client)

    async def add(
        self,
        name: str = "reports",
        scopes: tuple[str, ...] = (GET,),
        *,
        lifetime: float | None = None,
        subject: str | None = None,
    ) -> CreatedKey:
        """Register a key."""
        return await self._keys.add(name=name, scopes=list(scopes), lifetime=lifetime, subject=subject)

    async def rotate(self, name: str = "reports", *, overlap: float = 3600) -> CreatedKey:
        """Rotate a key."""
        return await self._keys.rotate(name=name, overlap=overlap)

    async def revoke(self, name: str = "reports", key: str | None = None) -> list[str]:
        """Revoke keys."""
        return (await self._keys.revoke(name=name, key=key)).keys

    async def listed(self) -> dict[str, KeyInfo]:
        """Return all keys, by prefix."""
        return {entry.key: entry for entry in (await self._keys.list()).keys}


async def is_valid(url: str, key: str | None, appid: str = SHOP) -> bool:
    """Return whether the key is valid, by getting a token with it."""
    async with Client.open(url, key or "") as client:
        try:
            await client.bind(TokenService).get(appid=appid)
        except RpcFailure as exc:
            if exc.status not in {401, 429}:  # 429: too many requests of this address had no valid key
                raise
            return False
    return True


async def test_a_key_is_valid_at_all_instances_until_it_is_revoked(place: Place) -> None:
    """A key registered at one instance is valid at all, after a restart too; revoked at another one, it is invalid."""
    async with (
        service(place.settings) as url,
        service(place.settings) as other_url,
        Admin.of(url, place.admin_key) as admin,
        Admin.of(other_url, place.admin_key) as other,
    ):
        made = await admin.add()
        assert await is_valid(url, made.api_key)
        await eventually(lambda: is_valid(other_url, made.api_key))
        with pytest.raises(RpcFailure, match="403"):
            await is_valid(url, made.api_key, CAFE)
        async with service(place.settings) as later_url:
            await eventually(lambda: is_valid(later_url, made.api_key))
        assert await other.revoke() == [made.key]
        assert not await is_valid(other_url, made.api_key)
        await eventually(lambda: is_invalid(url, made.api_key))


async def is_invalid(url: str, key: str | None) -> bool:
    """Return whether the key is not valid."""
    return not await is_valid(url, key)


async def test_a_key_is_rotated_with_overlap(place: Place) -> None:
    """The new key has the scopes of the old one; both are valid until the overlap is over, then only the new one."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        old = await admin.add()
        new = await admin.rotate(overlap=3600)
        assert new.scopes == old.scopes
        assert await is_valid(url, old.api_key)
        assert await is_valid(url, new.api_key)
        third = await admin.rotate(overlap=0)
        for key, valid in ((old, False), (new, False), (third, True)):
            assert await is_valid(url, key.api_key) is valid
        listed = await admin.listed()
        assert listed[third.key].expires is None
        assert old.key in listed, "expired keys are listed until the next rotation"
        fourth = await admin.rotate()
        assert {old.key, new.key}.isdisjoint(await admin.listed())
        assert await admin.revoke(key=fourth.key) == [fourth.key]
        assert await admin.revoke(key=third.key) == [third.key]
        assert not await is_valid(url, third.api_key)


async def test_a_key_with_a_lifetime_expires(place: Place) -> None:
    """The key is valid until it expires."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        long, short = await admin.add("long", lifetime=3600), await admin.add("short", lifetime=1.0)
        await eventually(lambda: is_invalid(url, short.api_key))
        assert await is_valid(url, long.api_key)


async def test_a_rotated_key_keeps_its_lifetime(place: Place) -> None:
    """Rotating a key does not let a caller extend its lifetime."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        lives = []
        for made in (
            await admin.add(lifetime=7200),
            await admin.rotate(overlap=3600),
            await admin.rotate(overlap=3600),
        ):
            assert made.expires is not None
            assert made.created is not None
            lives.append(round((made.expires - made.created).total_seconds()))
        assert lives == [7200] * 3
        soonest = min(one.expires for one in (await admin.listed()).values() if one.expires is not None)
        assert made.expires is not None
        assert soonest < made.expires


async def test_a_caller_cannot_grant_scopes_that_it_lacks(place: Place) -> None:
    """With a limited key one can neither register, rotate nor revoke keys that have other scopes."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        lesser = await admin.add("clerk", ("keys:*:*", f"token:*:{SHOP}"))
        strong = await admin.add("strong", ("token:get:*",))
        async with Admin.of(url, lesser.api_key or "") as clerk:
            assert await is_valid(url, (await clerk.add()).api_key)
            for scope in ("token:get:*", f"token:get:{CAFE}", "*:*:*", f"*:get:{SHOP}", "accounts:list:all"):
                with pytest.raises(RpcFailure, match="403 Missing scope"):
                    await clerk.add(scopes=(GET, scope))
            with pytest.raises(RpcFailure, match="403 Missing scope"):
                await clerk.rotate("strong")
            for key in (None, strong.key):
                with pytest.raises(RpcFailure, match="403 Missing scope"):
                    await clerk.revoke("strong", key)
            assert await clerk.revoke()
        assert await is_valid(url, strong.api_key)


async def test_names_of_keys_are_unique(place: Place) -> None:
    """A name of a registered key or of the file cannot be added again, at two instances at the same time neither."""
    async with (
        service(place.settings) as url,
        service(place.settings) as other_url,
        Admin.of(url, place.admin_key) as admin,
        Admin.of(other_url, place.admin_key) as other,
    ):
        outcomes = await asyncio.gather(
            *(one.add("reports") for one in (admin, other) for _ in range(4)), return_exceptions=True
        )
        assert [isinstance(outcome, CreatedKey) for outcome in outcomes].count(True) == 1
        assert all(isinstance(outcome, CreatedKey | RpcFailure) for outcome in outcomes)
        for name in ("reports", "worker"):
            with pytest.raises(RpcFailure, match="409"):
                await other.add(name)
        with pytest.raises(RpcFailure, match="409"):
            await admin.add("reports", subject="CN=reports")
        assert len([one for one in (await admin.listed()).values() if one.name == "reports"]) == 1
        await admin.revoke("reports")
        assert (await admin.add("reports")).name == "reports"


async def test_keys_of_the_file_cannot_be_changed(place: Place) -> None:
    """Keys of the file are listed; revoking or rotating them is an error that names the file."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        assert {entry.name for entry in (await admin.listed()).values()} == {"worker", "shop", "admin"}
        for change in (admin.rotate, admin.revoke):
            with pytest.raises(RpcFailure, match="change this key in the API keys file"):
                await change("worker")
            with pytest.raises(RpcFailure, match="404"):
                await change("nobody")
        assert await is_valid(url, place.key)


async def test_the_api_keys_file_is_read_again(place: Place) -> None:
    """A key that is added to the file becomes valid without a restart; one that is removed becomes invalid."""
    path = place.settings.api_keys_file
    before = path.read_text()
    key, entry = new_key("reports", [GET])
    async with service(place.settings) as url:
        assert not await is_valid(url, key)
        rewrite(path, f"{before}\n{entry.as_toml()}\n")
        await eventually(lambda: is_valid(url, key))
        async with Admin.of(url, place.admin_key) as admin:
            assert (await admin.listed())[entry.key].source == "file"
        rewrite(path, before)
        await eventually(lambda: is_invalid(url, key))
        rewrite(path, "")
        await eventually(lambda: is_invalid(url, place.key))


async def test_a_malformed_api_keys_file_is_reported(place: Place) -> None:
    """The keys from before stay valid and /readyz shows the error, without a key; a corrected file is used."""
    path = place.settings.api_keys_file
    before = path.read_text()
    async with (
        served(place.settings) as addresses,
        aiohttp.ClientSession(f"http://127.0.0.1:{addresses.admin_port}") as http,
    ):

        async def reported() -> str:
            async with http.get("/readyz") as answer:
                assert answer.status == 200
                parts = (await answer.json())["parts"]
                assert parts["accounts"] == "ready"
                return str(parts["api_keys"])

        async def is_wrong() -> bool:
            return await reported() != "ready"

        async def is_right() -> bool:
            return not await is_wrong()

        assert await is_right()
        rewrite(path, before.replace("scopes", "scope"))
        await eventually(is_wrong)
        assert f"{path}: 0.scopes: is missing" in await reported()
        assert await is_valid(f"http://127.0.0.1:{addresses.port}", place.key)
        rewrite(path, before)
        await eventually(is_right)


async def test_a_key_is_shown_once(place: Place, redis: "Redis") -> None:
    """Prefix, scopes and last use are listed; the key itself is neither listed nor stored."""
    async with service(place.settings) as url, Admin.of(url, place.admin_key) as admin:
        made = await admin.add()
        assert made.api_key is not None
        assert (await admin.listed())[made.key].last_used is None
        await is_valid(url, made.api_key)

        async def used() -> bool:
            return (await admin.listed())[made.key].last_used is not None

        await eventually(used)
        entry = (await admin.listed())[made.key]
        assert (entry.name, entry.scopes, entry.source) == ("reports", [GET], "registered")
        assert made.api_key not in repr(made) + repr(await admin.listed())
    async for key in redis.scan_iter(match=f"{place.settings.store.namespace}:*"):
        dump = await redis.dump(key)
        assert dump is not None
        assert made.api_key.encode() not in dump


async def test_with_redis_away_keys_stay_valid(place: Place, redis_url: str) -> None:
    """Keys that were read last are valid, revoked and expired ones are not; a change is refused with 503."""
    async with proxied(redis_url) as (proxy, proxied_url):
        store = StoreSettings(redis_url=SecretStr(proxied_url), namespace=place.settings.store.namespace)
        async with (
            service(place.settings.model_copy(update={"store": store})) as url,
            Admin.of(url, place.admin_key) as admin,
        ):
            kept, revoked, short = (
                await admin.add("kept"),
                await admin.add("revoked"),
                await admin.add("short", lifetime=1.0),
            )
            assert await is_valid(url, kept.api_key)
            await admin.revoke("revoked")
            await proxy.refuse()
            assert await is_valid(url, kept.api_key)
            assert not await is_valid(url, revoked.api_key)
            await eventually(lambda: is_invalid(url, short.api_key))
            with pytest.raises(RpcFailure, match="503"):
                await admin.revoke("kept")
