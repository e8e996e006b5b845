"""Accounts that admins register while the service runs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, KIOSK, KIOSK_SECRET, SECRETLESS, SHOP, Place, eventually, service
from wxbus.accounts.models import AccountKind
from wxbus.config.settings import StoreSettings
from wxbus.errors import RpcFailure, TokenRefused, TokenUnavailable
from wxbus.rpc import Client
from wxbus.tokens import TokenClient
from wxbus_token.api.messages import AccountList, AccountRequest, Done, Everything, NewAccount, NewSecret
from wxbus_token.registry.keyring import new_encryption_key

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


class Admin:
    """Somebody with a key for everything, who talks to one instance."""

    def __init__(self, client: Client, tokens: TokenClient) -> None:
        self._client = client
        self._tokens = tokens

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str, place: Place) -> AsyncIterator["Admin"]:
        """Yield an admin."""
        async with Client.open(url, place.admin_key) as client, TokenClient.open(url, place.admin_key) as tokens:
            yield cls(client, tokens)

    async def add(
        self, appid: str = KIOSK, *, name: str = "kiosk", secret: str = KIOSK_SECRET, **more: bool | str
    ) -> None:
        """Register an account."""
        fields = {"name": name, "appid": appid, "kind": AccountKind.OFFICIAL_ACCOUNT, "secret": secret, **more}
        request = NewAccount.model_validate(fields)
        await self._client.call("accounts", "add", request, Done)

    async def rotate(self, appid: str = KIOSK, secret: str = KIOSK_SECRET) -> None:
        """Change a secret."""
        await self._client.call("accounts", "rotate", NewSecret(appid=appid, secret=secret), Done)

    async def remove(self, appid: str = KIOSK) -> None:
        """Remove an account."""
        await self._client.call("accounts", "remove", AccountRequest(appid=appid), Done)

    async def sources(self) -> dict[str, str]:
        """Return where each account is from."""
        found = await self._client.call("accounts", "list", Everything(), AccountList)
        return {account.appid: account.source for account in found.accounts}

    async def token(self, appid: str = KIOSK) -> str:
        """Return the account's token, asked for anew."""
        self._tokens._cache.clear()
        return await self._tokens.get(appid)

    async def knows(self, appid: str = KIOSK) -> bool:
        """Whether the instance has tokens of the account."""
        try:
            await self.token(appid)
        except TokenRefused as exc:
            if "404" not in str(exc):
                raise
            return False
        return True


async def test_an_account_lives_on_all_instances(place: Place) -> None:
    """Registered at one instance it is served by the other, also by one that starts later; removed, by none."""
    async with (
        service(place.settings) as url,
        service(place.settings) as other_url,
        Admin.of(url, place) as admin,
        Admin.of(other_url, place) as other,
    ):
        assert not await other.knows()
        await admin.add()
        token = await admin.token()
        await eventually(other.knows)
        assert await other.token() == token
        assert (await other.sources())[KIOSK] == "registered"
        assert await place.fetched(KIOSK) == 1

        async with service(place.settings) as later_url, Admin.of(later_url, place) as later:
            await eventually(later.knows)
            assert await later.token() == token

        await other.remove()
        assert not await other.knows()
        await eventually(lambda: _not(admin.knows()))
        assert KIOSK not in await admin.sources()


async def test_a_removed_account_leaves_no_token_behind(place: Place, redis: "Redis") -> None:
    """Its sealed values are deleted with it; what else Redis has of it are counts."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        assert await admin.token()
        pattern = f"{place.settings.store.namespace}:token:*{KIOSK}*:record"
        assert [key async for key in redis.scan_iter(match=pattern)]
        await admin.remove()
        assert not [key async for key in redis.scan_iter(match=pattern)]


async def test_a_platform_is_not_registered_at_run_time(place: Place) -> None:
    """Its tickets come through ingress, which has its keys from the accounts file alone: 422 says so."""
    async with service(place.settings) as url, Client.open(url, place.admin_key) as client:
        request = NewAccount(name="platform", appid=KIOSK, kind=AccountKind.COMPONENT, secret="x" * 32)
        with pytest.raises(RpcFailure, match="accounts file") as caught:
            await client.call("accounts", "add", request, Done)
        assert caught.value.status == 422


async def _not(outcome: Awaitable[bool]) -> bool:
    return not await outcome


async def test_a_restart_forgets_nothing(place: Place) -> None:
    """What was registered is there when all instances have been stopped and one is started."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await eventually(admin.knows)
        assert (await admin.sources()) == {
            SHOP: "file",
            CAFE: "file",
            "wx0000000000000003": "file",
            KIOSK: "registered",
        }


async def test_another_secret_counts_from_the_next_fetch(place: Place) -> None:
    """A wrong secret is a refusal; the right one is tried at once. While a token is valid the change is not noticed."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add(secret="SECRET-THAT-IS-WRONG-0123456789ab")
        with pytest.raises(TokenRefused, match="40125"):
            await admin.token()
        await admin.rotate()
        token = await admin.token()
        await admin.rotate(secret="SECRET-THAT-IS-WRONG-0123456789ab")
        assert await admin.token() == token
        assert await place.fetched(KIOSK) == 1


@pytest.mark.parametrize(
    ("appid", "name", "said"),
    [(SHOP, "other", "shop .* stands in the accounts file"), (KIOSK, "cafe", "cafe .* stands in the accounts file")],
)
async def test_the_file_is_never_overruled(place: Place, appid: str, name: str, said: str) -> None:
    """What stands in the file can be neither registered nor changed nor removed: 409 says where it stands."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        with pytest.raises(RpcFailure, match=f"409 .*{said}"):
            await admin.add(appid, name=name)
        for change in (admin.rotate, admin.remove):
            with pytest.raises(RpcFailure, match="change it there"):
                await change(SHOP)
        assert await admin.token(SHOP)


async def test_what_the_file_gets_later_wins(place: Place) -> None:
    """The file is read again: an account registered before counts no more, and may be removed."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add(secret="SECRET-THAT-IS-WRONG-0123456789ab")
        with pytest.raises(TokenRefused):
            await admin.token()
        accounts = place.settings.accounts.accounts_file
        accounts.write_text(
            f'{accounts.read_text()}\n[accounts.stand]\nappid = "{KIOSK}"\n'
            f'kind = "official_account"\nsecret = "{KIOSK_SECRET}"\n'
        )
        await eventually(lambda: _holds(admin.token))
        with pytest.raises(RpcFailure, match="409"):
            await admin.add()
        await admin.remove()
        assert await admin.token()
        with pytest.raises(RpcFailure, match="change it there"):
            await admin.remove()


async def _holds(work: Callable[[], Awaitable[object]]) -> bool:
    try:
        await work()
    except TokenUnavailable:
        return False
    return True


async def test_what_else_can_be_said_of_an_account(place: Place) -> None:
    """How its tokens are fetched; what does not fit its kind is refused, and names what."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add(classic_token=True)
        assert await admin.token()
        counts = (await place.sandbox.token_counts())[KIOSK]
        assert (counts.classic, counts.stable) == (1, 0)
        with pytest.raises(RpcFailure, match="422") as caught:
            await admin.add("wx0000000000000005", name="other", receive_id="ww1")
        assert "receive_id is for WeCom only" in str(caught.value.errors)


async def test_twice_is_told(place: Place) -> None:
    """The second of two who register one account, or one name, learns of the first; what is not there is 404."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        for appid, name in ((KIOSK, "kiosk"), (KIOSK, "other"), ("wx0000000000000005", "kiosk")):
            with pytest.raises(RpcFailure, match="409 Taken: kiosk"):
                await admin.add(appid, name=name)
        for change in (admin.rotate, admin.remove):
            with pytest.raises(RpcFailure, match="404"):
                await change("wx0000000000000005")


async def test_no_secret_in_redis_or_answers(place: Place, redis: "Redis") -> None:
    """In Redis lies what only the encryption keys open; the list shows no secret."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        found = await admin._client.call("accounts", "list", Everything(), AccountList)
        assert "SECRET-" not in found.model_dump_json()
    async for key in redis.scan_iter(match=f"{place.settings.store.namespace}:*"):
        dump = await redis.dump(key)
        assert dump is not None
        assert b"SECRET-" not in dump


async def test_an_account_survives_a_change_of_the_encryption_keys(place: Place, redis: "Redis") -> None:
    """Sealed anew by the first instance with the new key first, so that the old key can be taken away."""
    old, new = place.settings.encryption_keys.get_secret_value(), new_encryption_key("k2")
    entries = f"{place.settings.store.namespace}:token:{{accounts}}:entries"
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()

    async def sealed_anew() -> bool:
        return bool((await redis.hget(entries, KIOSK) or b"").startswith(b"k2:"))  # type: ignore[misc]  # typed for both

    for keys in (f"{new},{old}", new):
        settings = place.settings.model_copy(update={"encryption_keys": SecretStr(keys)})
        async with service(settings) as url, Admin.of(url, place) as admin:
            await eventually(admin.knows)
            await eventually(sealed_anew)


async def test_who_can_write_into_redis_makes_no_account(place: Place, redis: "Redis") -> None:
    """An entry that was not sealed by us, or for another account, is not taken; the others are."""
    entries = f"{place.settings.store.namespace}:token:{{accounts}}:entries"
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        sealed = await redis.hget(entries, KIOSK)  # type: ignore[misc]  # redis-py types it for both clients
        assert sealed is not None
        await redis.hset(entries, mapping={"wx0000000000000005": sealed, "wx0000000000000006": b"k1:xxx"})  # type: ignore[misc]
        await admin.rotate()
        assert set(await admin.sources()) == {SHOP, CAFE, SECRETLESS, KIOSK}


async def test_with_redis_away_what_was_known_goes_on(place: Place, redis_url: str) -> None:
    """Registered accounts are served from memory; a change is refused with 503 and not half made."""
    async with proxied(redis_url) as (proxy, proxied_url):
        store = StoreSettings(redis_url=SecretStr(proxied_url), namespace=place.settings.store.namespace)
        async with (
            service(place.settings.model_copy(update={"store": store})) as url,
            Admin.of(url, place) as admin,
        ):
            await admin.add()
            token = await admin.token()
            await proxy.refuse()
            assert await admin.token() == token
            with pytest.raises(RpcFailure, match="503"):
                await admin.remove()
            assert await admin.token() == token
            await proxy.listen()
            await eventually(lambda: _removed(admin))


async def _removed(admin: Admin) -> bool:
    try:
        await admin.remove()
    except RpcFailure as exc:
        return exc.status == 404
    return True
