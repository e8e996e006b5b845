"""Third-party platforms: their tickets, and the accounts that have authorised them (protocol reference 8.3).

A grant is stored before anything else is done with it, and never replaces a newer one. A lost grant is read from WeChat
again: for one account when its token is fetched, for all accounts by `recover`.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from wxbus.aio.singleflight import SingleFlight
from wxbus.api import component
from wxbus.api.calls import Calls, Repeat
from wxbus.api.component import Authorization
from wxbus.errcodes import Policy
from wxbus.errors import RpcFailure, WeChatError
from wxbus.store.store import Store
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
from wxbus_token.credentials.authority import Authority
from wxbus_token.credentials.failures import failure_of
from wxbus_token.credentials.storage.authorizers import AuthorizerStore
from wxbus_token.credentials.storage.grants import GrantStore
from wxbus_token.kinds import (
    COMPONENT_ACCESS_TOKEN,
    Credential,
    Sources,
    authorizer_credentials,
    digest_of,
)

T = TypeVar("T")

log = structlog.get_logger("wxbus.token")

BAD_CODE: Final = frozenset({61009, 61010})


class Platforms(ComponentService):
    """Implements the service `component` for all third-party platforms among the accounts.

    Every method raises UnknownAccount if there is no such platform, and StoreUnavailable if Redis does not answer.
    Methods that call WeChat raise TokenUnavailable if it cannot be asked now, TokenRefused if waiting does not help.
    """

    def __init__(
        self, store: Store, grants: GrantStore, authority: Authority, sources: Sources, *, namespace: str
    ) -> None:
        self._store = store
        self._grants = grants
        self._authority = authority
        self._sources = sources
        self._authorizers = AuthorizerStore(store, namespace=namespace)
        self._exchanges: SingleFlight[tuple[str, str], AuthorizerAnswer] = SingleFlight()
        """WeChat exchanges a code once, so a caller that leaves does not stop the exchange."""

    @ComponentService.deliver_ticket.implementation
    async def deliver_ticket(self, request: TicketDelivery) -> Outcome:
        """Store a component_verify_ticket that WeChat pushed."""
        stored = await self._grants.write(self._platform(request.appid), request.ticket, at=request.created_at)
        log.info("token.ticket_delivered", appid=request.appid, stored=stored)
        return Outcome(done=stored)

    @ComponentService.authorize.implementation
    async def authorize(self, request: AuthorizationRequest) -> AuthorizerAnswer:
        """Exchange an authorisation code; the account's token is available from now on.

        Raises:
            RpcFailure: 422: the code is wrong, expired or used, or the account has withdrawn its authorisation.
        """
        key = (request.appid, digest_of(request.authorization_code))
        return await self._exchanges.do(key, lambda: self._authorize(request))

    async def _authorize(self, request: AuthorizationRequest) -> AuthorizerAnswer:
        appid, code = request.appid, request.authorization_code
        self._platform(appid)
        if before := await self._authorizers.account_of(appid, code):
            if authorizer := (await self._authorizers.all(appid)).get(before):
                return authorizer
            raise RpcFailure(422, "The authorisation is withdrawn", detail="its code was used before")
        found = await self._exchange(appid, code, request.authorizer_appid)
        authorizer = await self._add(appid, found, at=int(await self._store.now()))
        await self._authorizers.remember(appid, code, authorizer.appid)
        log.info("token.authorized", appid=authorizer.appid, component=appid)
        return authorizer

    async def _exchange(self, appid: str, code: str, authorizer_appid: str | None) -> Authorization:
        wechat = self._sources.wechat
        try:
            try:
                return await self._call(appid, lambda token: component.query_auth(wechat, token, appid, code))
            except WeChatError as exc:
                if exc.errcode not in BAD_CODE or authorizer_appid is None:
                    raise
            # WeChat may have exchanged the code before, and the answer was lost.
            return await self._call(
                appid, lambda token: component.authorizer_info(wechat, token, appid, authorizer_appid)
            )
        except WeChatError as exc:
            if exc.errcode in BAD_CODE:
                raise RpcFailure(422, "The authorisation code is not valid", detail=str(exc)) from exc
            if exc.policy is Policy.REAUTH:
                raise RpcFailure(422, "The account has not authorised the platform", detail=str(exc)) from exc
            raise failure_of(exc, 0).error() from exc

    @ComponentService.unauthorize.implementation
    async def unauthorize(self, request: Withdrawal) -> Outcome:
        """Delete the tokens of an account that has withdrawn its authorisation."""
        self._platform(request.appid)
        (credential, *_) = authorizer_credentials(request.appid, request.authorizer_appid, self._sources)
        deleted = await self._grants.withdraw(credential, at=request.created_at, component=request.appid)
        if deleted:
            await self._authorizers.remove(request.appid, request.authorizer_appid)
        log.info("token.unauthorized", appid=request.authorizer_appid, component=request.appid, deleted=deleted)
        return Outcome(done=deleted)

    @ComponentService.authorizers.implementation
    async def authorizers(self, request: PlatformRequest) -> AuthorizerList:
        """Return the accounts that have authorised the platform."""
        self._platform(request.appid)
        found = (await self._authorizers.all(request.appid)).values()
        return AuthorizerList(authorizers=sorted(found, key=lambda authorizer: authorizer.appid))

    @ComponentService.pre_auth_code.implementation
    async def pre_auth_code(self, request: PlatformRequest) -> PreAuthCode:
        """Return a new code for the page on which one visitor authorises the platform."""
        wechat, appid = self._sources.wechat, request.appid
        try:
            code = await self._call(appid, lambda token: component.create_pre_auth_code(wechat, token, appid))
        except WeChatError as exc:
            raise failure_of(exc, 0).error() from exc
        return PreAuthCode(pre_auth_code=code.value, expires_in=code.expires_in)

    @ComponentService.recover.implementation
    async def recover(self, request: PlatformRequest) -> Recovered:
        """Add the unknown authorizers of WeChat's list."""
        appid, added, offset, total = request.appid, 0, 0, 1
        self._platform(appid)
        known = await self._authorizers.all(appid)
        try:
            while offset < total:
                page, total = await self._call(appid, self._page(appid, offset))
                for listed in page:
                    if listed.appid not in known:
                        authorization = Authorization(listed.appid, listed.refresh_token)
                        await self._add(appid, authorization, at=listed.authorized_at)
                        added += 1
                offset += component.PAGE
        except WeChatError as exc:
            raise failure_of(exc, 0).error() from exc
        await self._authorizers.mark_complete(appid)
        log.info("token.authorizers_recovered", component=appid, added=added)
        return Recovered(added=added)

    async def complete(self, appid: str) -> None:
        """Recover the authorizers if the list in Redis is not complete: Redis is new, or has lost its data."""
        if not await self._authorizers.is_complete(appid):
            await self.recover(appid=appid)

    async def reencrypt(self, appid: str) -> int:
        """Encrypt with the current key the grants of the platform and of its authorizers; return their number."""
        authorizers = await self._authorizers.all(appid)
        tokens = [authorizer_credentials(appid, authorizer, self._sources)[0] for authorizer in authorizers]
        return await self._grants.reencrypt([self._platform(appid), *tokens])

    async def _add(self, appid: str, found: Authorization, *, at: int) -> AuthorizerAnswer:
        (credential, *_) = authorizer_credentials(appid, found.appid, self._sources)
        await self._grants.write(credential, found.refresh_token, at=at, component=appid)
        # The list comes last: an account that is listed has its grant.
        authorizer = AuthorizerAnswer(appid=found.appid, authorized_at=at, permissions=list(found.permissions))
        await self._authorizers.add(appid, authorizer)
        return authorizer

    def _page(self, appid: str, offset: int) -> Callable[[str], Awaitable[tuple[list[component.Authorizer], int]]]:
        return lambda token: component.authorizer_list(self._sources.wechat, token, appid, offset)

    async def _call(self, appid: str, call: Callable[[str], Awaitable[T]]) -> T:
        return await Calls(appid, self._sources.tokens(COMPONENT_ACCESS_TOKEN)).with_token(call, Repeat.NEVER)

    def _platform(self, appid: str) -> Credential:
        return self._authority.manager(COMPONENT_ACCESS_TOKEN, appid).credential
