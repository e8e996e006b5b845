"""What operators may call: accounts and API keys change while the service runs."""

from typing import Any

from wxbus.rpc import method, service
from wxbus.rpc.auth.keys import KeyEntry
from wxbus.rpc.service.call import current_principal
from wxbus_token.api.messages import (
    AccountList,
    AccountRequest,
    Done,
    Everything,
    KeyList,
    ListedAccount,
    ListedKey,
    MadeKey,
    NewAccount,
    NewKey,
    NewSecret,
    Revocation,
    Revoked,
    Rotation,
)
from wxbus_token.registry.accounts import AccountRegistry
from wxbus_token.registry.api_keys import ApiKeyRegistry
from wxbus_token.registry.models import RegisteredKey


@service("accounts")
class AccountsService:
    """The accounts that tokens are kept for."""

    def __init__(self, book: AccountRegistry) -> None:
        self._book = book

    @method(NewAccount, scopes=["accounts:add:{appid}"])
    async def add(self, request: NewAccount) -> Done:
        """Register an account."""
        await self._book.add(**request.model_dump())
        return Done()

    @method(NewSecret, scopes=["accounts:rotate:{appid}"])
    async def rotate(self, request: NewSecret) -> Done:
        """Give a registered account another secret; the token in use stays, the next one is fetched with it."""
        await self._book.rotate(request.appid, request.secret)
        return Done()

    @method(AccountRequest, scopes=["accounts:remove:{appid}"])
    async def remove(self, request: AccountRequest) -> Done:
        """Forget a registered account."""
        await self._book.remove(request.appid)
        return Done()

    @method(Everything, scopes=["accounts:list:all"])
    async def list(self, request: Everything) -> AccountList:  # noqa: ARG002 - a method takes a request
        """Return all accounts."""
        return AccountList(
            accounts=[
                ListedAccount(
                    name=account.name,
                    appid=account.appid,
                    kind=account.kind,
                    source=source,
                    has_secret=account.secret is not None,
                )
                for account, source in self._book.listed()
            ]
        )


@service("keys")
class KeysService:
    """The API keys of those who call."""

    def __init__(self, callers: ApiKeyRegistry) -> None:
        self._callers = callers

    @method(NewKey, scopes=["keys:add:{name}"])
    async def add(self, request: NewKey) -> MadeKey:
        """Make a key, or take a certificate's subject for one."""
        key, entry = await self._callers.add(
            request.name, request.scopes, by=current_principal(), life=request.life, subject=request.subject
        )
        return _made(key, entry)

    @method(Rotation, scopes=["keys:rotate:{name}"])
    async def rotate(self, request: Rotation) -> MadeKey:
        """Make a further key for the same; those before end after the overlap."""
        return _made(*await self._callers.rotate(request.name, by=current_principal(), overlap=request.overlap))

    @method(Revocation, scopes=["keys:revoke:{name}"])
    async def revoke(self, request: Revocation) -> Revoked:
        """Make keys worthless, on all instances within seconds."""
        return Revoked(keys=await self._callers.revoke(request.name, request.key, by=current_principal()))

    @method(Everything, scopes=["keys:list:all"])
    async def list(self, request: Everything) -> KeyList:  # noqa: ARG002 - a method takes a request
        """Return all keys by what everybody may see of them."""
        return KeyList(
            keys=[ListedKey(**_shown(entry), last_used=used) for entry, used in await self._callers.listed()]
        )


def _made(key: str | None, entry: RegisteredKey) -> MadeKey:
    return MadeKey(**_shown(entry), api_key=key)


def _shown(entry: KeyEntry) -> dict[str, Any]:
    registered = isinstance(entry, RegisteredKey)
    return {
        "name": entry.name,
        "key": entry.key,
        "scopes": list(entry.scopes),
        "source": "registered" if registered else "file",
        "created": entry.created if isinstance(entry, RegisteredKey) else None,
        "expires": entry.expires,
    }
