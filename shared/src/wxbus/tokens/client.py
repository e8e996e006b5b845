"""Client of the token service for programs that call WeChat.

Usage: `async with TokenClient.open("http://token:8081", api_key) as tokens: await tokens.get(appid)`.
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from wxbus.bus.topology import Topology
from wxbus.rpc.client import Client
from wxbus.tokens.cache import CredentialKey, CredentialValue, TokenCache
from wxbus.tokens.failures import token_failures
from wxbus.tokens.messages import TicketKind
from wxbus.tokens.services import TokenService

TIMEOUT: Final = 12.0
"""Seconds for one call: the service may have to wait for WeChat twice."""
QUICK_TIMEOUT: Final = 2.0
"""Seconds for one call while the cached value is still valid."""
ATTEMPTS: Final = 3


class TokenClient:
    """Returns the valid access token of each account (implements `wxbus.api.tokens.TokenSource`), and its tickets.

    Values are cached, see `wxbus.tokens.cache.TokenCache`.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = TokenCache(_Service(client), clock)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        topology: Topology | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator["TokenClient"]:
        """Yield a client of the token service at `url`; it connects when first used (see `Client.open`)."""
        async with Client.open(url, api_key, timeout=timeout, topology=topology, tls=tls) as client:
            tokens = cls(client)
            try:
                yield tokens
            finally:
                await tokens.aclose()

    async def aclose(self) -> None:
        """Cancel all calls."""
        await self._cache.aclose()

    async def get(self, appid: str) -> str:
        """Return a valid token of the account, which may be an authorizer of a third-party platform.

        Raises:
            TokenUnavailable: There is no token now; `retry_after` is the seconds until there may be one.
            TokenRefused: Waiting does not help; `state` names the reason.
        """
        return await self._cache.get(CredentialKey(appid))

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the token to use instead of `token`, which WeChat called invalid (40001, 40014, 42001).

        It is the same token if WeChat accepts it when the service asks: then the call failed for another reason.

        Raises:
            TokenUnavailable: There is no other token now.
            TokenRefused: Waiting does not help.
        """
        return await self._cache.report(CredentialKey(appid), token)

    async def get_ticket(self, appid: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Return a valid ticket of the account, see `wxbus.tokens.tickets`; raises as `get` does."""
        return await self._cache.get(CredentialKey(appid, kind))

    async def report_ticket(self, appid: str, ticket: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Return the ticket to use instead of `ticket`; as `report_invalid`."""
        return await self._cache.report(CredentialKey(appid, kind), ticket)

    async def get_component_token(self, appid: str) -> str:
        """Return a valid component_access_token of the third-party platform; raises as `get` does."""
        return await self._cache.get(CredentialKey(appid, "component_access_token"))

    async def report_component_token(self, appid: str, token: str) -> str:
        """Return the component_access_token to use instead of `token`; as `report_invalid`."""
        return await self._cache.report(CredentialKey(appid, "component_access_token"), token)


class ComponentTokens:
    """The tokens of third-party platforms themselves (implements `wxbus.api.tokens.TokenSource`)."""

    def __init__(self, tokens: TokenClient) -> None:
        self._tokens = tokens

    async def get(self, appid: str) -> str:
        """Return a valid component_access_token; raises as `TokenClient.get` does."""
        return await self._tokens.get_component_token(appid)

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the token to use instead of `token`; raises as `TokenClient.report_invalid` does."""
        return await self._tokens.report_component_token(appid, token)


class _Service:
    """Calls the token service (implements `wxbus.tokens.cache.Source`)."""

    def __init__(self, client: Client) -> None:
        self._service = client.bind(TokenService, attempts=ATTEMPTS)
        self._quick = client.bind(TokenService, attempts=ATTEMPTS, timeout=QUICK_TIMEOUT)

    async def get(self, key: CredentialKey, *, quick: bool) -> CredentialValue:
        service = self._quick if quick else self._service
        with token_failures():
            if key.kind is None:
                token = await service.get(appid=key.appid)
                return CredentialValue(token.access_token, token.expires_in)
            credential = await service.get_credential(appid=key.appid, kind=key.kind)
            return CredentialValue(credential.value, credential.expires_in)

    async def report(self, key: CredentialKey, value: str) -> CredentialValue:
        with token_failures():
            if key.kind is None:
                token = await self._service.report_invalid(appid=key.appid, token=value)
                return CredentialValue(token.access_token, token.expires_in)
            credential = await self._service.report_credential(appid=key.appid, kind=key.kind, value=value)
            return CredentialValue(credential.value, credential.expires_in)
