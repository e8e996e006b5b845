"""Implements the service `token` for other services."""

from wxbus.rpc.service.call import current_principal
from wxbus.tokens.messages import (
    CredentialAnswer,
    CredentialRequest,
    ReportCredentialRequest,
    ReportInvalidRequest,
    TokenAnswer,
    TokenRequest,
)
from wxbus.tokens.services import TokenService
from wxbus_token.credentials.cache import Held
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.platforms import Platforms
from wxbus_token.kinds import ACCESS_TOKEN


class TokenServicer(TokenService):
    """Access tokens and other credentials of accounts."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    @TokenService.get.implementation
    async def get(self, request: TokenRequest) -> TokenAnswer:
        """Return the account's valid access token."""
        manager = await self._platforms.manager(ACCESS_TOKEN, request.appid)
        return _token(manager, await manager.get())

    @TokenService.report_invalid.implementation
    async def report_invalid(self, request: ReportInvalidRequest) -> TokenAnswer:
        """Return the token to use instead of one that WeChat called invalid; the same one if WeChat accepts it."""
        manager = await self._platforms.manager(ACCESS_TOKEN, request.appid)
        return _token(manager, await manager.report_invalid(request.token, by=current_principal().name))

    @TokenService.get_credential.implementation
    async def get_credential(self, request: CredentialRequest) -> CredentialAnswer:
        """Return the account's valid ticket, or the platform's own token."""
        manager = await self._platforms.manager(request.kind, request.appid)
        return _other(manager, await manager.get())

    @TokenService.report_credential.implementation
    async def report_credential(self, request: ReportCredentialRequest) -> CredentialAnswer:
        """Return the ticket or token to use instead of one that WeChat called invalid; the same one if it is valid."""
        manager = await self._platforms.manager(request.kind, request.appid)
        return _other(manager, await manager.report_invalid(request.value, by=current_principal().name))


def _token(manager: CredentialManager, held: Held) -> TokenAnswer:
    return TokenAnswer(access_token=held.value, expires_in=_left(manager, held))


def _other(manager: CredentialManager, held: Held) -> CredentialAnswer:
    return CredentialAnswer(value=held.value, expires_in=_left(manager, held))


def _left(manager: CredentialManager, held: Held) -> float:
    return max(round(manager.remaining(held), 3), 0.001)
