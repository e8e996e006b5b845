"""Credentials of a third-party platform: its own token, and those of the accounts that have authorised it."""

import structlog

from wxbus.api import component
from wxbus.api.calls import Calls, Repeat
from wxbus.api.credentials import FetchedToken, is_accepted
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus_token.kinds.base import Credential, GrantMissing, SecretCredential, digest_of

COMPONENT_ACCESS_TOKEN = "component_access_token"  # noqa: S105 - the name of the kind
AUTHORIZER_ACCESS_TOKEN = "authorizer_access_token"  # noqa: S105 - the name of the kind
BAD_TICKET = frozenset({61005, 61006, 61058})

log = structlog.get_logger("wxbus.token")


class ComponentAccessToken(SecretCredential):
    """`component_access_token`, fetched with the last ticket that WeChat pushed (protocol reference 8.3)."""

    kind = COMPONENT_ACCESS_TOKEN

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Return a value from WeChat (see Credential); without a valid ticket WeChat is asked to push the next one."""
        if grant is None:
            await self._request_ticket()
            raise GrantMissing("no component_verify_ticket has arrived yet; WeChat pushes one every ten minutes")
        try:
            return await component.fetch_component_token(self._http, self.appid, self._secret, grant)
        except WeChatError as exc:
            if exc.errcode in BAD_TICKET:
                await self._request_ticket()
            raise

    async def accepted(self, value: str) -> bool:
        """Return whether WeChat accepts the value (see Credential)."""
        return await is_accepted(component.authorizer_list(self._http, value, self.appid, 0, 1))

    async def _request_ticket(self) -> None:
        try:
            await component.start_push_ticket(self._http, self.appid, self._secret)
        except (WeChatError, WeChatUnavailable) as exc:
            log.warning("token.ticket_request_failed", appid=self.appid, reason=str(exc))
        else:
            log.info("token.ticket_requested", appid=self.appid)


class AuthorizerAccessToken(Credential):
    """`authorizer_access_token` of an account that has authorised the platform; each fetch replaces the refresh token.

    A refresh token that was lost (the process ended between WeChat's answer and our write, or Redis lost its data)
    is read from WeChat again.
    """

    kind = AUTHORIZER_ACCESS_TOKEN
    on_demand = True

    def __init__(self, http: WeChatHttp, component_appid: str, appid: str, tokens: TokenSource) -> None:
        """`tokens` returns the platform's own token."""
        super().__init__(http, appid, digest_of(component_appid))
        self._component = component_appid
        self._calls = Calls(component_appid, tokens)

    async def fetch(self, grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Return a value from WeChat (see Credential); `grant` is the refresh token."""
        if grant is not None:
            try:
                return await self._refresh(grant)
            except WeChatError as exc:
                if exc.policy is not Policy.REAUTH:
                    raise
                log.warning("token.refresh_token_refused", appid=self.appid, errcode=exc.errcode)
        return await self._refresh(await self._recover_refresh_token())

    async def _refresh(self, refresh_token: str) -> FetchedToken:
        return await self._calls.with_token(
            lambda token: component.fetch_authorizer_token(
                self._http, token, self._component, self.appid, refresh_token
            ),
            Repeat.NEVER,
        )

    async def _recover_refresh_token(self) -> str:
        """Return the refresh token from WeChat; WeChatError 61003 if the account has withdrawn its authorisation."""
        found = await self._calls.with_token(
            lambda token: component.authorizer_info(self._http, token, self._component, self.appid), Repeat.NEVER
        )
        log.warning("token.refresh_token_recovered", appid=self.appid)
        return found.refresh_token
