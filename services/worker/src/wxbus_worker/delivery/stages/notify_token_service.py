"""Reports the events of a third-party platform to the token service: at least once, in order, before the handler."""

from typing import Protocol

import structlog
from pydantic import ValidationError

from wxbus.accounts.models import AccountKind
from wxbus.config.validation import validation_messages
from wxbus.errors import Reject, RpcFailure
from wxbus.wechat import Message
from wxbus.wechat.events.component import (
    AuthorizedEvent,
    ComponentVerifyTicketEvent,
    UnauthorizedEvent,
    UpdateAuthorizedEvent,
)
from wxbus_worker.delivery.job import Decoded

log = structlog.stdlib.get_logger(__name__)


class PlatformEvents(Protocol):
    """Receives the events of a third-party platform: `wxbus.tokens.component.ComponentClient`.

    Every method raises TokenUnavailable if the token service is unavailable.
    """

    async def deliver_ticket(self, appid: str, ticket: str, *, created_at: int) -> object:
        """Store the platform's component_verify_ticket."""

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> object:
        """Exchange an authorization code; raises RpcFailure if it is invalid."""

    async def unauthorize(self, appid: str, authorizer_appid: str, *, created_at: int) -> object:
        """Drop the tokens of an account."""


class NotifyTokenService:
    """Reports tickets, authorizations and withdrawals, so that handlers can use the account's token."""

    def __init__(self, platform: PlatformEvents) -> None:
        self._platform = platform

    async def __call__(self, decoded: Decoded, message: Message) -> None:
        """Return once the token service has the event.

        Raises:
            TokenUnavailable: The event is retried.
            Reject: The event is malformed.
        """
        # Events of any other account are ignored: its keys must not permit actions of the platform.
        if decoded.account.kind is not AccountKind.COMPONENT:
            return
        try:
            await self._report(decoded.account.appid, message)
        except ValidationError as exc:  # no attempt changes what WeChat has written
            raise Reject(f"the event is malformed: {validation_messages(exc)}") from None

    async def _report(self, appid: str, message: Message) -> None:
        match message:
            case ComponentVerifyTicketEvent(component_verify_ticket=ticket, created_at=at):
                await self._platform.deliver_ticket(appid, ticket, created_at=at)
            case (
                AuthorizedEvent(authorizer_appid=account, authorization_code=code)
                | UpdateAuthorizedEvent(authorizer_appid=account, authorization_code=code)
            ):
                try:
                    await self._platform.authorize(appid, code, authorizer_appid=account)
                except RpcFailure as exc:  # used or withdrawn: no attempt changes that
                    log.warning("authorization.refused", authorizer=account, reason=str(exc))
            case UnauthorizedEvent(authorizer_appid=account, created_at=at):
                await self._platform.unauthorize(appid, account, created_at=at)
