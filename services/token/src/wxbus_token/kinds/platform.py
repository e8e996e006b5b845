"""Credentials of a third-party platform: its own token, and those of the accounts that have authorised it."""

import structlog

from wxbus.api import component
from wxbus.api.calls import NO_RETRIES, Calls
from wxbus.api.credentials import FetchedToken, is_accepted, is_token_accepted
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable
from wxbus_token.kinds.base import BySecret, Missing, digest_of

COMPONENT_ACCESS_TOKEN = "component_access_token"  # noqa: S105 - the name of the kind
AUTHORIZER_ACCESS_TOKEN = "authorizer_access_token"  # noqa: S105 - the name of the kind
BAD_TICKET = frozenset({61005, 61006, 61058})

log = structlog.get_logger("wxbus.token")


class ComponentAccessToken(BySecret):
    """`component_access_token`, fetched with the last ticket that WeChat pushed (protocol reference 8.3)."""

    kind = COMPONENT_ACCESS_TOKEN
    repeatable = False
    forcible = False

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Ask WeChat (see Credential); `means` is the ticket. Without a good one WeChat is asked to push the next."""
        if means is None:
            await self._start_push()
            raise Missing("no component_verify_ticket has come yet; WeChat pushes one every ten minutes")
        try:
            return await component.fetch_component_token(self._http, self.appid, self._secret, means)
        except WeChatError as exc:
            if exc.errcode in BAD_TICKET:
                await self._start_push()
            raise

    async def accepted(self, value: str) -> bool:
        """Ask WeChat (see Credential)."""
        return await is_accepted(component.authorizer_list(self._http, value, self.appid, 0, 1))

    async def _start_push(self) -> None:
        try:
            await component.start_push_ticket(self._http, self.appid, self._secret)
        except (WeChatError, WeChatUnavailable) as exc:
            log.warning("token.push_not_started", appid=self.appid, reason=str(exc))
        else:
            log.info("token.push_started", appid=self.appid)


class AuthorizerAccessToken:
    """`authorizer_access_token` of an account that has authorised us: each fetch replaces the refresh token, too.

    A refresh token that was lost on the way (we ended between WeChat's answer and our write, or Redis forgot it) is no
    loss: WeChat tells it to the platform.
    """

    kind = AUTHORIZER_ACCESS_TOKEN
    on_demand = True
    repeatable = False
    forcible = False
    checkable = True

    def __init__(self, http: WeChatHttp, component_appid: str, appid: str, tokens: TokenSource) -> None:
        """`tokens` gives the platform's own token."""
        self._http = http
        self._component = component_appid
        self._calls = Calls(component_appid, tokens)
        self.appid = appid
        self.fingerprint = digest_of(component_appid)

    async def fetch(self, means: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - always a new one
        """Ask WeChat (see Credential); `means` is the refresh token."""
        if means is not None:
            try:
                return await self._with(means)
            except WeChatError as exc:
                if exc.policy is not Policy.REAUTH:
                    raise
                log.warning("token.refresh_token_refused", appid=self.appid, errcode=exc.errcode)
        return await self._with(await self._recovered())

    async def accepted(self, value: str) -> bool:
        """Ask WeChat (see Credential)."""
        return await is_token_accepted(self._http, value)

    async def _with(self, refresh_token: str) -> FetchedToken:
        return await self._calls.with_token(
            lambda token: component.fetch_authorizer_token(
                self._http, token, self._component, self.appid, refresh_token
            ),
            NO_RETRIES,
        )

    async def _recovered(self) -> str:
        """Return the refresh token as WeChat has it; WeChatError 61003 if the account has withdrawn."""
        found = await self._calls.with_token(
            lambda token: component.authorizer_info(self._http, token, self._component, self.appid), NO_RETRIES
        )
        log.warning("token.refresh_token_recovered", appid=self.appid)
        return found.refresh_token
