"""Methods of the service `token` for operators: the state of credentials, and a refresh on demand."""

import asyncio
from collections.abc import Sequence

from wxbus.errors import RpcFailure, StoreUnavailable
from wxbus.rpc import method, service
from wxbus.store.generation import Losses
from wxbus_token.api.messages import AccountRequest, CredentialStatus, EmptyRequest, RefreshRequest, StatusList
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.directory import CredentialDirectory
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.storage.quota import ForcedCounts, Quota, RequestCounts
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import ACCESS_TOKEN


@service("token")
class TokenOperations:
    """The state of credentials."""

    def __init__(
        self,
        authority: Authority,
        directory: CredentialDirectory,
        credential_store: CredentialStore,
        quota: Quota,
        losses: Losses,
    ) -> None:
        self._authority = authority
        self._directory = directory
        self._credential_store = credential_store
        self._quota = quota
        self._losses = losses

    @method(AccountRequest, scopes=["token:status:{appid}"])
    async def status(self, request: AccountRequest) -> StatusList:
        """Return the state of an account's credentials that were used at least once."""
        managers = self._authority.managers(request.appid)
        if not managers:  # an account that has authorised a platform, and is not known to this instance yet
            managers = [await self._directory.find(ACCESS_TOKEN, request.appid)]
        return await self._statuses(managers)

    @method(EmptyRequest, scopes=["token:status:all"])
    async def status_all(self, request: EmptyRequest) -> StatusList:  # noqa: ARG002 - a method takes a request
        """Return the state of all credentials."""
        return await self._statuses(self._authority.managers())

    @method(RefreshRequest, scopes=["token:refresh:{appid}"])
    async def refresh(self, request: RefreshRequest) -> CredentialStatus:
        """Fetch the credential from WeChat now, without the wait after a failure whose cause has been removed."""
        manager = await self._directory.find(request.kind, request.appid)
        if request.replace and manager.credential.idempotent and not manager.credential.forcible:
            raise RpcFailure(409, "Not replaceable", detail=f"WeChat does not replace a {request.kind} of this account")
        await manager.refresh(replace=request.replace)
        (status,) = (await self._statuses([manager])).credentials
        return status

    async def _statuses(self, managers: Sequence[CredentialManager]) -> StatusList:
        managers = sorted(managers, key=lambda each: each.credential.name)
        appids = sorted({manager.credential.appid for manager in managers})
        try:
            records = await self._credential_store.read([manager.credential for manager in managers])
            forced = await asyncio.gather(*(self._quota.forced_counts(manager.credential) for manager in managers))
            requests = dict(zip(appids, await self._quota.counts(appids), strict=True))
            notes = list(await self._losses.recent())
        except StoreUnavailable:
            return StatusList(store=False, credentials=[_from_memory(manager) for manager in managers])
        return StatusList(
            store=True,
            notes=notes,
            credentials=[
                _from_store(manager, record, requests[manager.credential.appid], counts)
                for manager, record, counts in zip(managers, records, forced, strict=True)
            ],
        )


def _from_store(
    manager: CredentialManager, record: Record, requests: RequestCounts, forced: ForcedCounts
) -> CredentialStatus:
    failure = record.failure
    return CredentialStatus(
        kind=manager.credential.kind,
        appid=manager.credential.appid,
        state=_state(record),
        valid=record.valid,
        expires_in=record.expires_in if record.valid else None,
        refresh_in=record.refresh_in if record.valid else None,
        reason=failure.text if failure else "",
        errcode=failure.errcode if failure else None,
        retry_in=failure.wait if failure and failure.wait > 0 else None,
        failures=record.failures,
        requests_in_minute=requests.in_minute,
        requests_in_day=requests.in_day,
        forced_in_day=forced.in_day,
        forced_wait=forced.wait,
        false_reports=record.false_reports,
    )


def _from_memory(manager: CredentialManager) -> CredentialStatus:
    remaining = manager.remaining()
    return CredentialStatus(
        kind=manager.credential.kind,
        appid=manager.credential.appid,
        state="valid" if remaining else "none",
        valid=remaining is not None,
        expires_in=remaining,
    )


def _state(record: Record) -> str:
    if record.withdrawn:
        return "reauthorize"
    if record.failure is not None:
        return record.failure.state.value
    if record.valid:
        return "valid"
    return "rejected" if record.rejected else "none"
