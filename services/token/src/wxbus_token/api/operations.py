"""What operators may call about credentials: how they are, and to fetch one now."""

import asyncio
from collections.abc import Sequence

from wxbus.errors import RpcFailure, StoreUnavailable
from wxbus.rpc import method, service
from wxbus.store.generation import Losses
from wxbus_token.api.messages import AccountRequest, CredentialStatus, Everything, Refresh, StatusList
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.manager import CredentialManager
from wxbus_token.credentials.platforms import Platforms
from wxbus_token.credentials.quota import Asked, Quota
from wxbus_token.credentials.record import Record
from wxbus_token.credentials.store import CredentialStore, Forced
from wxbus_token.kinds import ACCESS_TOKEN


@service("token")
class TokenOperations:
    """How the credentials are."""

    def __init__(
        self,
        authority: Authority,
        platforms: Platforms,
        credential_store: CredentialStore,
        guard: Quota,
        losses: Losses,
    ) -> None:
        self._authority = authority
        self._platforms = platforms
        self._credential_store = credential_store
        self._guard = guard
        self._losses = losses

    @method(AccountRequest, scopes=["token:status:{appid}"])
    async def status(self, request: AccountRequest) -> StatusList:
        """Return how the credentials of an account are; those that nobody has wanted yet are not among them."""
        managers = self._authority.managers(request.appid)
        if not managers:  # an account that has authorised a platform, and nobody has asked this instance for
            managers = [await self._platforms.manager(ACCESS_TOKEN, request.appid)]
        return await self._statuses(managers)

    @method(Everything, scopes=["token:status:all"])
    async def status_all(self, request: Everything) -> StatusList:  # noqa: ARG002 - a method takes a request
        """Return how all credentials are."""
        return await self._statuses(self._authority.managers())

    @method(Refresh, scopes=["token:refresh:{appid}"])
    async def refresh(self, request: Refresh) -> CredentialStatus:
        """Ask WeChat now, although a failure says to wait: somebody has put right what was wrong."""
        manager = await self._platforms.manager(request.kind, request.appid)
        if request.replace and manager.credential.repeatable and not manager.credential.forcible:
            raise RpcFailure(409, "Not replaceable", detail=f"WeChat does not replace a {request.kind} of this account")
        await manager.refresh(replace=request.replace)
        (status,) = (await self._statuses([manager])).credentials
        return status

    async def _statuses(self, managers: Sequence[CredentialManager]) -> StatusList:
        appids = sorted({manager.credential.appid for manager in managers})
        try:
            records = await self._credential_store.read([manager.credential for manager in managers])
            forced = await asyncio.gather(*(self._credential_store.forced(manager.credential) for manager in managers))
            asked = dict(zip(appids, await self._guard.asked(appids), strict=True))
            notes = list(await self._losses.recent())
        except StoreUnavailable:
            return StatusList(store=False, credentials=[_from_memory(manager) for manager in managers])
        return StatusList(
            store=True,
            notes=notes,
            credentials=[
                _from_store(manager, record, asked[manager.credential.appid], count)
                for manager, record, count in zip(managers, records, forced, strict=True)
            ],
        )


def _from_store(manager: CredentialManager, record: Record, asked: Asked, forced: Forced) -> CredentialStatus:
    failure = record.failure
    valid = bool(record.digest) and record.expires_in > 0 and not record.dead and not record.withdrawn
    return CredentialStatus(
        kind=manager.credential.kind,
        appid=manager.credential.appid,
        state=_state(record, valid=valid),
        valid=valid,
        expires_in=record.expires_in if valid else None,
        refresh_in=record.refresh_in if valid else None,
        reason=failure.text if failure else "",
        errcode=failure.errcode if failure else None,
        retry_in=failure.wait if failure and failure.wait > 0 else None,
        failures=record.failures,
        asked_in_minute=asked.in_minute,
        asked_in_day=asked.in_day,
        forced_in_day=forced.in_day,
        forced_wait=forced.wait,
        false_reports=record.false_reports,
    )


def _from_memory(manager: CredentialManager) -> CredentialStatus:
    left = manager.left()
    return CredentialStatus(
        kind=manager.credential.kind,
        appid=manager.credential.appid,
        state="valid" if left else "none",
        valid=left is not None,
        expires_in=left,
    )


def _state(record: Record, *, valid: bool) -> str:
    if record.withdrawn:
        return "reauthorize"
    if record.failure is not None:
        return record.failure.state.value
    if valid:
        return "valid"
    return "dead" if record.dead else "none"
