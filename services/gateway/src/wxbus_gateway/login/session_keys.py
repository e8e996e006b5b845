"""The session keys of users: sealed in Redis, never shown to a client, in a log or in an answer."""

from typing import Final

from pydantic import SecretStr

from wxbus.store.keyring import DecryptionError, Keyring
from wxbus.store.store import Store

LIFETIME: Final = 30 * 86_400
"""Seconds that an unused key is kept; WeChat says only that it lasts longer the more a user uses the Mini Program."""


class SessionKeys:
    """The last session key of each user. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, keyring: Keyring, *, namespace: str) -> None:
        self._store = store
        self._keyring = keyring
        self._prefix = f"{namespace}:gateway:session_key"

    async def put(self, appid: str, openid: str, session_key: SecretStr) -> None:
        """Store the key of a login, which replaces the previous key (protocol reference 10)."""
        name = self._name(appid, openid)
        sealed = self._keyring.encrypt(session_key.get_secret_value(), context=name)
        await self._store.command("SET", name, sealed, "EX", LIFETIME)

    async def get(self, appid: str, openid: str) -> SecretStr | None:
        """Return the key, None if there is none or it was sealed with a key that is gone: the user must log in."""
        name = self._name(appid, openid)
        sealed = await self._store.command("GET", name)
        if sealed is None:
            return None
        try:
            return SecretStr(self._keyring.decrypt(sealed, context=name))
        except DecryptionError:
            return None

    async def drop(self, appid: str, openid: str) -> None:
        """Forget the key of a user."""
        await self._store.command("DEL", self._name(appid, openid))

    def _name(self, appid: str, openid: str) -> str:
        return f"{self._prefix}:{appid}:{openid}"
