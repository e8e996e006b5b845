"""Implements the service `component` for third-party platforms."""

from dataclasses import asdict

from wxbus.tokens.messages import (
    AuthorizationRequest,
    AuthorizerAnswer,
    AuthorizerList,
    Outcome,
    PlatformRequest,
    PreAuthCode,
    Recovered,
    TicketDelivery,
    Withdrawal,
)
from wxbus.tokens.services import ComponentService
from wxbus_token.credentials.platforms import Platforms


class ComponentServicer(ComponentService):
    """Events of third-party platforms, and their authorisers."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    @ComponentService.deliver_ticket.implementation
    async def deliver_ticket(self, request: TicketDelivery) -> Outcome:
        """Store a component_verify_ticket that WeChat pushed."""
        return Outcome(done=await self._platforms.deliver_ticket(request.appid, request.ticket, at=request.created_at))

    @ComponentService.authorize.implementation
    async def authorize(self, request: AuthorizationRequest) -> AuthorizerAnswer:
        """Exchange an authorisation code; the account's token is available from now on."""
        authorizer = await self._platforms.authorize(
            request.appid, request.authorization_code, authorizer_appid=request.authorizer_appid
        )
        return AuthorizerAnswer.model_validate(asdict(authorizer))

    @ComponentService.unauthorize.implementation
    async def unauthorize(self, request: Withdrawal) -> Outcome:
        """Delete the tokens of an account that has withdrawn its authorisation."""
        return Outcome(
            done=await self._platforms.unauthorize(request.appid, request.authorizer_appid, at=request.created_at)
        )

    @ComponentService.authorizers.implementation
    async def authorizers(self, request: PlatformRequest) -> AuthorizerList:
        """Return the accounts that have authorised the platform."""
        found = await self._platforms.authorizers(request.appid)
        return AuthorizerList(authorizers=[AuthorizerAnswer.model_validate(asdict(one)) for one in found])

    @ComponentService.pre_auth_code.implementation
    async def pre_auth_code(self, request: PlatformRequest) -> PreAuthCode:
        """Return a new code for the page on which one visitor authorises the platform."""
        code = await self._platforms.pre_auth_code(request.appid)
        return PreAuthCode(pre_auth_code=code.value, expires_in=code.expires_in)

    @ComponentService.recover.implementation
    async def recover(self, request: PlatformRequest) -> Recovered:
        """Add the unknown authorisers of WeChat's list."""
        return Recovered(taken=await self._platforms.recover(request.appid))
