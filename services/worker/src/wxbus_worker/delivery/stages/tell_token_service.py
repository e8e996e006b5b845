"""The token service hears of a third-party platform's events before they are done: at least once, in their order."""

from typing import Protocol

import structlog
from pydantic import ValidationError

from wxbus.accounts.models import AccountKind
from wxbus.config.validation import validation_messages
from wxbus.errors import Reject, RpcFailure
from wxbus.wechat import Message
from wxbus.wechat.events import AuthorizedEvent, ComponentVerifyTicketEvent, UnauthorizedEvent, UpdateAuthorizedEvent
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement

log = structlog.stdlib.get_logger(__name__)


class PlatformEvents(Protocol):
    """Takes what WeChat tells a third-party platform; implemented by `wxbus.tokens.component.ComponentClient`.

    Every method raises TokenUnavailable if that cannot be done just now.
    """

    async def deliver_ticket(self, appid: str, ticket: str, *, created_at: int) -> object:
        """Keep the platform's component_verify_ticket."""

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> object:
        """Exchange an authorisation code; raises RpcFailure if it will never be taken."""

    async def unauthorize(self, appid: str, authorizer_appid: str, *, created_at: int) -> object:
        """Drop an account's tokens."""


class TellTokenService:
    """Hands tickets, authorisations and withdrawals on; handlers find the account's token there already."""

    def __init__(self, platform: PlatformEvents) -> None:
        self._platform = platform

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest once the token service has it; while it is away the event is tried again like any other."""
        # Whoever has the keys of another account must not speak for the platform.
        if job.account.kind is AccountKind.COMPONENT:
            try:
                await self._tell(job.account.appid, job.message)
            except ValidationError as exc:  # no attempt changes what WeChat has written
                raise Reject(f"the event is malformed: {validation_messages(exc)}") from None
        return await call_next(job)

    async def _tell(self, appid: str, message: Message) -> None:
        match message:
            case ComponentVerifyTicketEvent(component_verify_ticket=ticket, created_at=at):
                await self._platform.deliver_ticket(appid, ticket, created_at=at)
            case (
                AuthorizedEvent(authorizer_appid=account, authorization_code=code)
                | UpdateAuthorizedEvent(authorizer_appid=account, authorization_code=code)
            ):
                try:
                    await self._platform.authorize(appid, code, authorizer_appid=account)
                except RpcFailure as exc:  # used up, or withdrawn meanwhile: no attempt changes that
                    log.warning("authorization.refused", authorizer=account, reason=str(exc))
            case UnauthorizedEvent(authorizer_appid=account, created_at=at):
                await self._platform.unauthorize(appid, account, created_at=at)
