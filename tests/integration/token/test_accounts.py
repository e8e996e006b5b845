"""Accounts that operators register at run time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from tests.support.proxy import proxied
from tests.support.token_service import CAFE, KIOSK, KIOSK_SECRET, SECRETLESS, SHOP, Place, eventually, rewrite, service
from wxbus.accounts.models import AccountKind
from wxbus.config.settings import StoreSettings
from wxbus.errors import RpcFailure, TokenRefused, TokenUnavailable
from wxbus.rpc import Client
from wxbus.store.keyring import new_encryption_key
from wxbus.tokens import TokenClient
from wxbus_token.api.admin import AccountsService
from wxbus_token.api.messages import AccountList

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


class Admin:
    """An operator whose key has all scopes, at one instance."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._accounts = client.bind(AccountsService)

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str, place: Place) -> AsyncIterator["Admin"]:
        """Yield an operator."""
        async with Client.open(url, place.admin_key) as client:
            yield cls(client)

    async def add(
        self,
        appid: str = KIOSK,
        *,
        name: str = "kiosk",
        kind: AccountKind = AccountKind.OFFICIAL_ACCOUNT,
        secret: str = KIOSK_SECRET,
        classic_token: bool = False,
        receive_id: str | None = None,
    ) -> None:
        """Register an account."""
        await self._accounts.add(
            appid=appid, name=name, kind=kind, secret=secret, classic_token=classic_token, receive_id=receive_id
        )

    async def rotate(self, appid: str = KIOSK, secret: str = KIOSK_SECRET) -> None:
        """Change a secret."""
        await self._accounts.rotate(appid=appid, secret=secret)

    async def remove(self, appid: str = KIOSK) -> None:
        """Remove an account."""
        await self._accounts.remove(appid=appid)

    async def listed(self) -> AccountList:
        """Return all accounts."""
        return await self._accounts.list()

    async def sources(self) -> dict[str, str]:
        """Return the source of each account."""
        return {account.appid: account.source for account in (await self.listed()).accounts}

    async def token(self, appid: str = KIOSK) -> str:
        """Return the account's token from the service, past the client's cache."""
        tokens = TokenClient(self._client)
        try:
            return await tokens.get(appid)
        finally:
            await tokens.aclose()

    async def knows(self, appid: str = KIOSK) -> bool:
        """Return whether the instance has tokens of the account."""
        try:
            await self.token(appid)
        except TokenRefused as exc:
            if "404" not in str(exc):
                raise
            return False
        return True


async def test_an_account_lives_on_all_instances(place: Place) -> None:
    """An account registered at one instance is served by all, by one that starts later too; once removed, by none."""
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


async def test_a_removed_accounts_records_are_deleted(place: Place, redis: "Redis") -> None:
    """Redis has no record of a removed account."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        assert await admin.token()
        pattern = f"{place.settings.store.namespace}:token:*{KIOSK}*:record"
        assert [key async for key in redis.scan_iter(match=pattern)]
        await admin.remove()
        assert not [key async for key in redis.scan_iter(match=pattern)]


async def test_a_platform_is_not_registered_at_run_time(place: Place) -> None:
    """Ingress needs the platform's keys, which are in the accounts file: registering one is a 422."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        with pytest.raises(RpcFailure, match="accounts file") as caught:
            await admin.add(kind=AccountKind.COMPONENT)
        assert caught.value.status == 422


async def _not(outcome: Awaitable[bool]) -> bool:
    return not await outcome


async def test_registered_accounts_survive_a_restart(place: Place) -> None:
    """An account is still registered after all instances were stopped."""
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


async def test_a_new_secret_is_used_by_the_next_fetch(place: Place) -> None:
    """The refusal of a wrong secret does not delay a new one; a valid token stays in use."""
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
    ("appid", "name", "error"),
    [(SHOP, "other", "shop .* is in the accounts file"), (KIOSK, "cafe", "cafe .* is in the accounts file")],
)
async def test_the_file_has_precedence(place: Place, appid: str, name: str, error: str) -> None:
    """An account of the file can neither be registered nor changed nor removed: 409 names the file."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        with pytest.raises(RpcFailure, match=f"409 .*{error}"):
            await admin.add(appid, name=name)
        for change in (admin.rotate, admin.remove):
            with pytest.raises(RpcFailure, match="change this account in the accounts file"):
                await change(SHOP)
        assert await admin.token(SHOP)


async def test_an_account_added_to_the_file_shadows_a_registered_one(place: Place) -> None:
    """The file is read again; the registered account is shadowed, and may be removed."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add(secret="SECRET-THAT-IS-WRONG-0123456789ab")
        with pytest.raises(TokenRefused):
            await admin.token()
        accounts = place.settings.accounts.accounts_file
        rewrite(
            accounts,
            f'{accounts.read_text()}\n[accounts.stand]\nappid = "{KIOSK}"\n'
            f'kind = "official_account"\nsecret = "{KIOSK_SECRET}"\n',
        )
        await eventually(lambda: _succeeds(admin.token))
        with pytest.raises(RpcFailure, match="409"):
            await admin.add()
        await admin.remove()
        assert await admin.token()
        with pytest.raises(RpcFailure, match="change this account in the accounts file"):
            await admin.remove()


async def _succeeds(work: Callable[[], Awaitable[object]]) -> bool:
    try:
        await work()
    except TokenUnavailable:
        return False
    return True


async def test_options_of_an_account_fit_its_kind(place: Place) -> None:
    """`classic_token` selects the call; `receive_id` is refused for an account that is not WeCom's."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add(classic_token=True)
        assert await admin.token()
        counts = (await place.sandbox.token_counts())[KIOSK]
        assert (counts.classic, counts.stable) == (1, 0)
        with pytest.raises(RpcFailure, match="422") as caught:
            await admin.add("wx0000000000000005", name="other", receive_id="ww1")
        assert "receive_id is for WeCom only" in str(caught.value.errors)


async def test_appids_and_names_are_unique(place: Place) -> None:
    """Registering an appid or a name a second time is a 409 that names the first account; unknown appids are 404."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        for appid, name in ((KIOSK, "kiosk"), (KIOSK, "other"), ("wx0000000000000005", "kiosk")):
            with pytest.raises(RpcFailure, match="409 Already registered: kiosk"):
                await admin.add(appid, name=name)
        for change in (admin.rotate, admin.remove):
            with pytest.raises(RpcFailure, match="404"):
                await change("wx0000000000000005")


async def test_no_secret_in_redis_or_answers(place: Place, redis: "Redis") -> None:
    """Redis has secrets encrypted only; the list of accounts has no secret."""
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        assert "SECRET-" not in (await admin.listed()).model_dump_json()
    async for key in redis.scan_iter(match=f"{place.settings.store.namespace}:*"):
        dump = await redis.dump(key)
        assert dump is not None
        assert b"SECRET-" not in dump


async def test_an_account_survives_a_change_of_the_encryption_keys(place: Place, redis: "Redis") -> None:
    """The first instance with the new current key encrypts the account again, so that the old key can be removed."""
    old, new = place.settings.encryption_keys.get_secret_value(), new_encryption_key("k2")
    entries = f"{place.settings.store.namespace}:token:{{accounts}}:entries"
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()

    async def reencrypted() -> bool:
        encrypted = await redis.hget(entries, KIOSK)
        return isinstance(encrypted, bytes) and encrypted.startswith(b"k2:")

    for keys in (f"{new},{old}", new):
        settings = place.settings.model_copy(update={"encryption_keys": SecretStr(keys)})
        async with service(settings) as url, Admin.of(url, place) as admin:
            await eventually(admin.knows)
            await eventually(reencrypted)


async def test_write_access_to_redis_makes_no_account(place: Place, redis: "Redis") -> None:
    """An entry that was not encrypted by the service, or for another account, is ignored; the others are used."""
    entries = f"{place.settings.store.namespace}:token:{{accounts}}:entries"
    async with service(place.settings) as url, Admin.of(url, place) as admin:
        await admin.add()
        encrypted = await redis.hget(entries, KIOSK)
        assert encrypted is not None
        await redis.hset(entries, mapping={"wx0000000000000005": encrypted, "wx0000000000000006": b"k1:xxx"})
        await admin.rotate()
        assert set(await admin.sources()) == {SHOP, CAFE, SECRETLESS, KIOSK}


async def test_with_redis_away_registered_accounts_are_served(place: Place, redis_url: str) -> None:
    """Tokens come from memory; a change is refused with 503 and not made in part."""
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
