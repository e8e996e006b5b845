"""Finds credentials by kind and appid, including those of accounts that have authorised a third-party platform."""

from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.reports import Reports
from wxbus_token.credentials.storage.grants import GrantStore
from wxbus_token.kinds import ACCESS_TOKEN, AUTHORIZER_ACCESS_TOKEN, Sources, authorizer_credentials


class CredentialDirectory:
    """Finds the manager of a credential that a caller asks for."""

    def __init__(self, authority: Authority, grants: GrantStore, sources: Sources) -> None:
        self._authority = authority
        self._grants = grants
        self._sources = sources

    async def find(self, kind: str, appid: str) -> CredentialManager:
        """Return the manager of a credential.

        Raises:
            UnknownAccount: There is no such account.
            StoreUnavailable: This instance does not know the account, and Redis does not answer.
        """
        # An account that has a secret besides its authorisation of a platform is served by its secret.
        of_authorizer = AUTHORIZER_ACCESS_TOKEN if kind == ACCESS_TOKEN else kind
        if manager := self._authority.find(kind, appid) or self._authority.find(of_authorizer, appid):
            return manager
        if component := await self._grants.component_of(appid):
            self._authority.add_on_demand(authorizer_credentials(component, appid, self._sources))
            return self._authority.manager(of_authorizer, appid)
        return self._authority.manager(kind, appid)


class ManagedTokens:
    """Implements `wxbus.api.tokens.TokenSource` for one kind: some credentials are fetched with others."""

    def __init__(self, authority: Authority, reports: Reports, kind: str) -> None:
        self._authority = authority
        self._reports = reports
        self._kind = kind

    async def get(self, appid: str) -> str:
        """Return a valid value."""
        return (await self._authority.manager(self._kind, appid).get()).value

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the value to use instead."""
        manager = self._authority.manager(self._kind, appid)
        return (await self._reports.report(manager, token, by="the token service")).value
