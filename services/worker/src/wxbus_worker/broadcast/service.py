"""The RPC service `broadcast`."""

from wxbus.accounts.models import AccountKind
from wxbus.errors import Reject, RpcFailure
from wxbus.messages.broadcasts import (
    AccountBroadcasts,
    BroadcastList,
    BroadcastRequest,
    BroadcastService,
    BroadcastStatus,
    MoreRecipients,
    NewBroadcast,
    PauseBroadcast,
    RefusedList,
    RefusedRequest,
)
from wxbus_worker.intake.accounts import AccountFinder
from wxbus_worker.replies.channels import not_sendable
from wxbus_worker.store.broadcasts import Broadcasts


class BroadcastServicer(BroadcastService):
    """One message to many users."""

    def __init__(self, broadcasts: Broadcasts, accounts: AccountFinder) -> None:
        self._broadcasts = broadcasts
        self._accounts = accounts

    @BroadcastService.create.implementation
    async def create(self, request: NewBroadcast) -> BroadcastStatus:
        """Create a broadcast."""
        account = self._accounts(request.account)
        if reason := not_sendable(request.message, account, ""):
            raise RpcFailure(422, "Not sendable", detail=reason)
        if request.collected_by_worker and account.kind is not AccountKind.OFFICIAL_ACCOUNT:
            detail = f"account {account.name} is {account.kind}: only Official Accounts have followers and tags"
            raise RpcFailure(422, "No followers", detail=detail)
        try:
            await self._broadcasts.create(request, account=account.name, appid=account.appid)
        except Reject as exc:
            raise RpcFailure(409, "Another broadcast", detail=str(exc)) from exc
        return await self._status(request)

    @BroadcastService.add.implementation
    async def add(self, request: MoreRecipients) -> BroadcastStatus:
        """Add recipients."""
        before = await self._status(request)
        if before.state == "collecting":
            await self._broadcasts.add(request.id, request.openids, complete=request.complete)
        elif not request.complete:
            raise RpcFailure(409, "Not collecting", detail=f"broadcast {request.id} is {before.state}")
        return await self._status(request)

    @BroadcastService.pause.implementation
    async def pause(self, request: PauseBroadcast) -> BroadcastStatus:
        """Pause a broadcast."""
        return await self._change(request, "pause", request.reason)

    @BroadcastService.resume.implementation
    async def resume(self, request: BroadcastRequest) -> BroadcastStatus:
        """Resume a broadcast."""
        return await self._change(request, "resume")

    @BroadcastService.cancel.implementation
    async def cancel(self, request: BroadcastRequest) -> BroadcastStatus:
        """End a broadcast."""
        return await self._change(request, "cancel")

    @BroadcastService.status.implementation
    async def status(self, request: BroadcastRequest) -> BroadcastStatus:
        """Return how far a broadcast is."""
        return await self._status(request)

    @BroadcastService.list.implementation
    async def list(self, request: AccountBroadcasts) -> BroadcastList:
        """Return the broadcasts of an account."""
        name = self._accounts(request.account).name
        return BroadcastList(broadcasts=[one for one in await self._broadcasts.newest() if one.account == name])

    @BroadcastService.refused.implementation
    async def refused(self, request: RefusedRequest) -> RefusedList:
        """Return refused recipients."""
        await self._status(request)
        found = await self._broadcasts.refused(request.id, start=request.start, count=request.count)
        return RefusedList(refused=found)

    async def _change(self, request: BroadcastRequest, action: str, reason: str = "") -> BroadcastStatus:
        await self._status(request)
        await self._broadcasts.change(request.id, action, reason)
        return await self._status(request)

    async def _status(self, request: BroadcastRequest) -> BroadcastStatus:
        status = await self._broadcasts.status(request.id)
        if status is None or status.account != self._accounts(request.account).name:  # the key is for this account
            raise RpcFailure(
                404, "No such broadcast", detail=f"account {request.account} has no broadcast {request.id}"
            )
        return status
