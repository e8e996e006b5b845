"""Access tokens and tickets for whoever calls WeChat: the token service's messages, and the client that everybody uses.

Usage: `async with TokenClient.open("http://token:8081", api_key) as tokens: await tokens.get(appid)`.
"""

import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from pydantic import Field

from wxbus.aio.singleflight import SingleFlight
from wxbus.bus.topology import Topology
from wxbus.errors import RpcFailure, RpcUnavailable, TokenRefused, TokenUnavailable
from wxbus.rpc.client import Client
from wxbus.tokens.messages import Appid, SecretText, TokenMessage, unavailable

TIMEOUT: Final = 12.0
"""Seconds for one answer: the service may have to wait for WeChat twice."""
TIMEOUT_WITH_TOKEN: Final = 2.0
"""Seconds for one answer while the token in hand still is valid."""
ATTEMPTS: Final = 3
FRESH_FOR: Final = 60.0
"""Seconds a cached token is used without a question; WeChat suggests a minute (protocol reference 8.1)."""
STALE_AFTER: Final = 240.0
"""Seconds after which it is used only if the service cannot be asked: the old token's overlap is 300 s."""
FIRST_HOLD_OFF: Final = 1.0
LAST_HOLD_OFF: Final = 30.0
"""Seconds between questions while the service does not answer."""
REAUTHORIZE: Final = "reauthorize"
"""Why there is no token for an account that has withdrawn its authorisation of our platform."""


TicketKind: TypeAlias = Literal["jsapi_ticket", "wx_card_ticket"]
CredentialKind: TypeAlias = Literal["jsapi_ticket", "wx_card_ticket", "component_access_token"]


class TokenRequest(TokenMessage):
    """Which account's token is wanted."""

    appid: Appid
    """Of the account."""


class ReportInvalidRequest(TokenRequest):
    """WeChat said that this token is invalid."""

    token: SecretText
    """The one that WeChat refused."""


class TokenAnswer(TokenMessage):
    """The token to use now."""

    access_token: SecretText
    """For calls to WeChat."""
    expires_in: float = Field(gt=0)
    """Seconds until WeChat stops accepting it, at the latest."""


class CredentialRequest(TokenRequest):
    """Which other credential of an account is wanted."""

    kind: CredentialKind
    """WeChat's name for it."""


class ReportCredentialRequest(CredentialRequest):
    """WeChat said that this value is invalid."""

    value: SecretText
    """The one that WeChat refused."""


class CredentialAnswer(TokenMessage):
    """The value to use now."""

    value: SecretText
    """The ticket or token."""
    expires_in: float = Field(gt=0)
    """Seconds until WeChat stops accepting it, at the latest."""


class _Wanted(NamedTuple):
    """One credential of one account."""

    appid: str
    kind: CredentialKind | None = None
    """None: the access token."""


@dataclass(slots=True)
class _Cached:
    token: str = field(repr=False)
    asked: float
    expires: float


class TokenClient:
    """Gives the valid access token of each account (implements `wxbus.api.tokens.TokenSource`), and its tickets.

    A token is kept until it expires; concurrent calls for one account are one call to the service; while the service
    is away, what is still valid is still given. A token that was reported is never given again, unless WeChat says
    that it is valid.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._cache: dict[_Wanted, _Cached] = {}
        self._dead: dict[_Wanted, str] = {}
        self._hold_off: dict[_Wanted, tuple[float, float]] = {}
        self._flights: SingleFlight[tuple[_Wanted, str], str] = SingleFlight()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        topology: Topology | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator["TokenClient"]:
        """Yield a client of the token service at `url`; the service may come later than we (see `Client.open`)."""
        async with Client.open(url, api_key, timeout=timeout, topology=topology, tls=tls) as client:
            tokens = cls(client)
            try:
                yield tokens
            finally:
                await tokens.aclose()

    async def aclose(self) -> None:
        """Stop asking."""
        await self._flights.aclose()

    async def get(self, appid: str) -> str:
        """Return a valid token of the account, also of one that has authorised our third-party platform.

        Raises:
            TokenUnavailable: There is none just now; `retry_after` says when there may be one.
            TokenRefused: There is none until somebody acts; `state` says why in a word.
        """
        return await self._get(_Wanted(appid))

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the token to use instead of `token`, which WeChat called invalid (40001, 40014, 42001).

        It is the same one if WeChat accepts it when the service asks: then the call failed for another reason.

        Raises:
            TokenUnavailable: There is no other just now.
            TokenRefused: There is none until somebody acts.
        """
        return await self._report_invalid(_Wanted(appid), token)

    async def get_ticket(self, appid: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Return a valid ticket of the account, see `wxbus.wechat.crypto.js_sdk.sign_page`; raises as `get` does."""
        return await self._get(_Wanted(appid, kind))

    async def report_ticket(self, appid: str, ticket: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Return the ticket to use instead of `ticket`; the same one if WeChat says that it is valid.

        Raises as `report_invalid` does.
        """
        return await self._report_invalid(_Wanted(appid, kind), ticket)

    async def get_component_token(self, appid: str) -> str:
        """Return a valid component_access_token of the third-party platform; raises as `get` does."""
        return await self._get(_Wanted(appid, "component_access_token"))

    async def report_component_token(self, appid: str, token: str) -> str:
        """Return the component_access_token to use instead of `token`; raises as `report_invalid` does."""
        return await self._report_invalid(_Wanted(appid, "component_access_token"), token)

    async def _get(self, wanted: _Wanted) -> str:
        cached = self._valid(wanted)
        if cached is None:
            return await self._flights.do((wanted, ""), lambda: self._ask(wanted))
        age = self._clock() - cached.asked
        if age >= FRESH_FOR and self._may_ask(wanted):
            if age >= STALE_AFTER:
                return await self._flights.do((wanted, ""), lambda: self._ask_or_serve_on(wanted))
            self._flights.start((wanted, ""), lambda: self._ask_or_serve_on(wanted))
        return cached.token

    async def _report_invalid(self, wanted: _Wanted, token: str) -> str:
        cached = self._valid(wanted)
        if cached is not None and cached.token != token:
            return cached.token
        self._cache.pop(wanted, None)
        self._dead[wanted] = token
        return await self._flights.do((wanted, token), lambda: self._report(wanted, token))

    def _valid(self, wanted: _Wanted) -> _Cached | None:
        cached = self._cache.get(wanted)
        return cached if cached is not None and self._clock() < cached.expires else None

    async def _ask_or_serve_on(self, wanted: _Wanted) -> str:
        """Ask, not for long; if the service cannot tell, the token in hand serves on, unless it was taken back."""
        try:
            return await self._ask(wanted, timeout=TIMEOUT_WITH_TOKEN)
        except TokenUnavailable as exc:
            if isinstance(exc, TokenRefused) and exc.state == REAUTHORIZE:
                self._cache.pop(wanted, None)
                raise
            _, last = self._hold_off.get(wanted, (0.0, FIRST_HOLD_OFF / 2))
            wait = min(last * 2, LAST_HOLD_OFF)
            self._hold_off[wanted] = (self._clock() + wait * random.uniform(0.75, 1.0), wait)
            cached = self._valid(wanted)
            if cached is None:  # it expired or was reported meanwhile
                raise
            return cached.token

    async def _ask(self, wanted: _Wanted, *, timeout: float | None = None) -> str:
        token = await self._call(wanted, "get", _request(wanted), timeout=timeout)
        dead = self._dead.get(wanted)
        if token != dead:
            return token
        # An instance that has not yet heard of our report answered, or the answer is older than the report.
        return await self._report(wanted, dead)

    async def _report(self, wanted: _Wanted, token: str) -> str:
        answer = await self._call(wanted, "report", _report_of(wanted, token))
        if answer == token:
            # The service has asked WeChat, which accepts it.
            self._dead.pop(wanted, None)
        return answer

    async def _call(
        self, wanted: _Wanted, verb: Literal["get", "report"], request: TokenRequest, *, timeout: float | None = None
    ) -> str:
        asked = self._clock()
        try:
            if wanted.kind is None:
                method = "get" if verb == "get" else "report_invalid"
                token = await self._client.call(
                    "token", method, request, TokenAnswer, timeout=timeout, attempts=ATTEMPTS
                )
                value, expires_in = token.access_token, token.expires_in
            else:
                other = await self._client.call(
                    "token", f"{verb}_credential", request, CredentialAnswer, timeout=timeout, attempts=ATTEMPTS
                )
                value, expires_in = other.value, other.expires_in
        except RpcUnavailable as exc:
            raise TokenUnavailable(f"the token service does not answer: {exc}", retry_after=1.0) from exc
        except RpcFailure as exc:
            raise unavailable(exc) from exc
        self._hold_off.pop(wanted, None)
        if value != self._dead.get(wanted):
            self._cache[wanted] = _Cached(value, asked, asked + expires_in)
        return value

    def _may_ask(self, wanted: _Wanted) -> bool:
        until, _ = self._hold_off.get(wanted, (0.0, 0.0))
        return self._clock() >= until


def _request(wanted: _Wanted) -> TokenRequest:
    if wanted.kind is None:
        return TokenRequest(appid=wanted.appid)
    return CredentialRequest(appid=wanted.appid, kind=wanted.kind)


def _report_of(wanted: _Wanted, value: str) -> TokenRequest:
    if wanted.kind is None:
        return ReportInvalidRequest(appid=wanted.appid, token=value)
    return ReportCredentialRequest(appid=wanted.appid, kind=wanted.kind, value=value)
