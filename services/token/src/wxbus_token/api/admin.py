"""The services `accounts` and `keys`, with which operators change accounts and API keys at run time."""

from typing import Any

from wxbus.rpc import method, service
from wxbus.rpc.auth.keys import KeyEntry
from wxbus.rpc.service.call import current_principal
from wxbus_token.api.messages import (
    AccountInfo,
    AccountList,
    AccountRequest,
    AddAccountRequest,
    AddKeyRequest,
    CreatedKey,
    EmptyAnswer,
    EmptyRequest,
    KeyInfo,
    KeyList,
    RevokedKeys,
    RevokeKeyRequest,
    RotateKeyRequest,
    RotateSecretRequest,
)
from wxbus_token.registry.accounts import AccountRegistry
from wxbus_token.registry.api_keys import ApiKeyRegistry
from wxbus_token.registry.models import RegisteredKey


@service("accounts")
class AccountsService:
    """Accounts whose credentials are managed."""

    def __init__(self, accounts: AccountRegistry) -> None:
        self._accounts = accounts

    @method(AddAccountRequest, scopes=["accounts:add:{appid}"])
    async def add(self, request: AddAccountRequest) -> EmptyAnswer:
        """Register an account."""
        await self._accounts.add(**request.model_dump())
        return EmptyAnswer()

    @method(RotateSecretRequest, scopes=["accounts:rotate:{appid}"])
    async def rotate(self, request: RotateSecretRequest) -> EmptyAnswer:
        """Give a registered account another secret; the token in use stays valid, the next one is fetched with it."""
        await self._accounts.rotate(request.appid, request.secret)
        return EmptyAnswer()

    @method(AccountRequest, scopes=["accounts:remove:{appid}"])
    async def remove(self, request: AccountRequest) -> EmptyAnswer:
        """Remove a registered account."""
        await self._accounts.remove(request.appid)
        return EmptyAnswer()

    @method(EmptyRequest, scopes=["accounts:list:all"])
    async def list(self, request: EmptyRequest) -> AccountList:  # noqa: ARG002 - a method takes a request
        """Return all accounts."""
        return AccountList(
            accounts=[
                AccountInfo(
                    name=account.name,
                    appid=account.appid,
                    kind=account.kind,
                    source=source,
                    has_secret=account.secret is not None,
                )
                for account, source in self._accounts.listed()
            ]
        )


@service("keys")
class KeysService:
    """API keys of callers."""

    def __init__(self, api_keys: ApiKeyRegistry) -> None:
        self._api_keys = api_keys

    @method(AddKeyRequest, scopes=["keys:add:{name}"])
    async def add(self, request: AddKeyRequest) -> CreatedKey:
        """Register an API key, or the subject of a client certificate."""
        key, entry = await self._api_keys.add(
            request.name, request.scopes, by=current_principal(), lifetime=request.lifetime, subject=request.subject
        )
        return _created(key, entry)

    @method(RotateKeyRequest, scopes=["keys:rotate:{name}"])
    async def rotate(self, request: RotateKeyRequest) -> CreatedKey:
        """Register another key for the same caller; the keys before expire after the overlap."""
        return _created(*await self._api_keys.rotate(request.name, by=current_principal(), overlap=request.overlap))

    @method(RevokeKeyRequest, scopes=["keys:revoke:{name}"])
    async def revoke(self, request: RevokeKeyRequest) -> RevokedKeys:
        """Revoke keys; they become invalid on all instances within seconds."""
        return RevokedKeys(keys=await self._api_keys.revoke(request.name, request.key, by=current_principal()))

    @method(EmptyRequest, scopes=["keys:list:all"])
    async def list(self, request: EmptyRequest) -> KeyList:  # noqa: ARG002 - a method takes a request
        """Return all keys, without their secret parts."""
        return KeyList(
            keys=[KeyInfo(**_fields(entry), last_used=used) for entry, used in await self._api_keys.listed()]
        )


def _created(key: str | None, entry: RegisteredKey) -> CreatedKey:
    return CreatedKey(**_fields(entry), api_key=key)


def _fields(entry: KeyEntry) -> dict[str, Any]:
    registered = isinstance(entry, RegisteredKey)
    return {
        "name": entry.name,
        "key": entry.key,
        "scopes": list(entry.scopes),
        "source": "registered" if registered else "file",
        "created": entry.created if isinstance(entry, RegisteredKey) else None,
        "expires": entry.expires,
    }
