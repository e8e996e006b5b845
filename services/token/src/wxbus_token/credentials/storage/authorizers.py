"""The lists of authorizers in Redis: which accounts have authorised which third-party platform."""

from collections.abc import Mapping
from typing import Final

from wxbus.store.store import Store
from wxbus.tokens.messages import AuthorizerAnswer
from wxbus_token.kinds import digest_of

CODE_SECONDS: Final = 24 * 3600
"""Seconds for which the account of an authorisation code is remembered: WeChat exchanges a code once."""
COMPLETE: Final = "*"
"""A field of the list besides the appids: the list has been completed from WeChat's."""


class AuthorizerStore:
    """Reads and writes the list of each platform; every method raises StoreUnavailable if Redis does not answer."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self._namespace = namespace

    async def all(self, component: str) -> dict[str, AuthorizerAnswer]:
        """Return a platform's authorizers, by appid."""
        found: Mapping[bytes, bytes] = await self._store.command("HGETALL", self._list(component))
        entries = {name.decode(): entry for name, entry in found.items() if name.decode() != COMPLETE}
        return {appid: AuthorizerAnswer.model_validate_json(entry) for appid, entry in entries.items()}

    async def add(self, component: str, authorizer: AuthorizerAnswer) -> None:
        """Add an authorizer, or replace its entry."""
        await self._store.command("HSET", self._list(component), authorizer.appid, authorizer.model_dump_json())

    async def remove(self, component: str, appid: str) -> None:
        """Remove an authorizer."""
        await self._store.command("HDEL", self._list(component), appid)

    async def mark_complete(self, component: str) -> None:
        """Note that the list has all authorizers that WeChat knows."""
        await self._store.command("HSET", self._list(component), COMPLETE, "")

    async def is_complete(self, component: str) -> bool:
        """Return whether the list has been completed; False after Redis lost its data."""
        return bool(await self._store.command("HEXISTS", self._list(component), COMPLETE))

    async def account_of(self, component: str, code: str) -> str | None:
        """Return the appid for which an authorisation code was exchanged lately."""
        found: bytes | None = await self._store.command("GET", self._code(component, code))
        return None if found is None else found.decode()

    async def remember(self, component: str, code: str, appid: str) -> None:
        """Note for which account a code was exchanged."""
        await self._store.command("SET", self._code(component, code), appid, "EX", CODE_SECONDS)

    def _list(self, component: str) -> str:
        return f"{self._namespace}:token:{{component:{component}}}:authorizers"

    def _code(self, component: str, code: str) -> str:
        return f"{self._namespace}:token:{{component:{component}}}:code:{digest_of(code)}"
