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
from wxbus_token.credentials.cache import CachedValue
from wxbus_token.credentials.directory import CredentialDirectory
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.reports import Reports
from wxbus_token.kinds import ACCESS_TOKEN


class TokenServicer(TokenService):
    """Access tokens and other credentials of accounts."""

    def __init__(self, directory: CredentialDirectory, reports: Reports) -> None:
        self._directory = directory
        self._reports = reports

    @TokenService.get.implementation
    async def get(self, request: TokenRequest) -> TokenAnswer:
        """Return the account's valid access token."""
        value, expires_in = await self._get(ACCESS_TOKEN, request.appid)
        return TokenAnswer(access_token=value, expires_in=expires_in)

    @TokenService.report_invalid.implementation
    async def report_invalid(self, request: ReportInvalidRequest) -> TokenAnswer:
        """Return the token to use instead of one that WeChat called invalid; the same token if WeChat accepts it."""
        value, expires_in = await self._report(ACCESS_TOKEN, request.appid, request.token)
        return TokenAnswer(access_token=value, expires_in=expires_in)

    @TokenService.get_credential.implementation
    async def get_credential(self, request: CredentialRequest) -> CredentialAnswer:
        """Return the account's valid ticket, or the platform's own token."""
        value, expires_in = await self._get(request.kind, request.appid)
        return CredentialAnswer(value=value, expires_in=expires_in)

    @TokenService.report_credential.implementation
    async def report_credential(self, request: ReportCredentialRequest) -> CredentialAnswer:
        """Return the ticket or token to use instead of one that WeChat called invalid; the same one if it is valid."""
        value, expires_in = await self._report(request.kind, request.appid, request.value)
        return CredentialAnswer(value=value, expires_in=expires_in)

    async def _get(self, kind: str, appid: str) -> tuple[str, float]:
        manager = await self._directory.find(kind, appid)
        return _answer(manager, await manager.get())

    async def _report(self, kind: str, appid: str, value: str) -> tuple[str, float]:
        manager = await self._directory.find(kind, appid)
        return _answer(manager, await self._reports.report(manager, value, by=current_principal().name))


def _answer(manager: CredentialManager, cached: CachedValue) -> tuple[str, float]:
    """Return a value and the seconds for which it is valid."""
    return cached.value, max(round(manager.cache.remaining(cached), 3), 0.001)
