"""Access tokens for whoever calls WeChat: the token service's messages, and the client that everybody uses.

Usage: `async with TokenClient.open("http://token:8081", api_key) as tokens: await tokens.get(appid)`.
"""

import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from wxbus.bus.topology import Topology
from wxbus.errors import RpcFailure, RpcUnavailable, TokenRefused, TokenUnavailable
from wxbus.rpc import problems
from wxbus.rpc.client import Client
from wxbus.singleflight import SingleFlight

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


class TokenMessage(BaseModel):
    """What all messages of the service have in common: an error never shows what was in them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # for the OpenAPI document
    )


class TokenRequest(TokenMessage):
    """Which account's token is wanted."""

    appid: str = Field(min_length=1, max_length=64)
    """Of the account."""


class ReportInvalidRequest(TokenRequest):
    """WeChat said that this token is invalid."""

    token: str = Field(min_length=1, max_length=2048, repr=False)
    """The one that WeChat refused."""


class TokenAnswer(TokenMessage):
    """The token to use now."""

    model_config = ConfigDict(extra="ignore")  # a newer service may tell more

    access_token: str = Field(min_length=1, max_length=2048, repr=False)
    """For calls to WeChat."""
    expires_in: float = Field(gt=0)
    """Seconds until WeChat stops accepting it, at the latest."""


@dataclass(slots=True)
class _Cached:
    token: str = field(repr=False)
    asked: float
    expires: float


class TokenClient:
    """Gives the valid access token of each account (implements `wxbus.api.tokens.TokenSource`).

    A token is kept until it expires; concurrent calls for one account are one call to the service; while the service
    is away, what is still valid is still given. A token that was reported is never given again.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._cache: dict[str, _Cached] = {}
        self._dead: dict[str, str] = {}
        self._hold_off: dict[str, tuple[float, float]] = {}
        self._flights: SingleFlight[tuple[str, str], str] = SingleFlight()

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
        """Return a valid token of the account.

        Raises:
            TokenUnavailable: There is none just now; `retry_after` says when there may be one.
            TokenRefused: There is none until somebody acts.
        """
        cached = self._valid(appid)
        if cached is None:
            return await self._flights.do((appid, ""), lambda: self._ask(appid))
        age = self._clock() - cached.asked
        if age >= FRESH_FOR and self._may_ask(appid):
            if age >= STALE_AFTER:
                return await self._flights.do((appid, ""), lambda: self._ask_or_serve_on(appid))
            self._flights.start((appid, ""), lambda: self._ask_or_serve_on(appid))
        return cached.token

    async def report_invalid(self, appid: str, token: str) -> str:
        """Return the token to use instead of `token`, which WeChat called invalid (40001, 40014, 42001).

        Raises:
            TokenUnavailable: There is no other just now.
            TokenRefused: There is none until somebody acts.
        """
        cached = self._valid(appid)
        if cached is not None and cached.token != token:
            return cached.token
        self._cache.pop(appid, None)
        self._dead[appid] = token
        return await self._flights.do((appid, token), lambda: self._report(appid, token))

    def _valid(self, appid: str) -> _Cached | None:
        cached = self._cache.get(appid)
        return cached if cached is not None and self._clock() < cached.expires else None

    async def _ask_or_serve_on(self, appid: str) -> str:
        """Ask, not for long; if the service cannot tell, the token in hand serves on."""
        try:
            return await self._ask(appid, timeout=TIMEOUT_WITH_TOKEN)
        except TokenUnavailable:
            _, last = self._hold_off.get(appid, (0.0, FIRST_HOLD_OFF / 2))
            wait = min(last * 2, LAST_HOLD_OFF)
            self._hold_off[appid] = (self._clock() + wait * random.uniform(0.75, 1.0), wait)
            cached = self._valid(appid)
            if cached is None:  # it expired or was reported meanwhile
                raise
            return cached.token

    async def _ask(self, appid: str, *, timeout: float | None = None) -> str:
        token = await self._call("get", TokenRequest(appid=appid), timeout=timeout)
        dead = self._dead.get(appid)
        if token != dead:
            return token
        # An instance that has not yet heard of our report answered, or the answer is older than the report.
        return await self._report(appid, dead)

    async def _report(self, appid: str, token: str) -> str:
        answer = await self._call("report_invalid", ReportInvalidRequest(appid=appid, token=token))
        if answer == token:
            self._cache.pop(appid, None)
            raise TokenUnavailable("the token service has no other token than the invalid one", retry_after=1.0)
        return answer

    async def _call(self, method: str, request: TokenRequest, *, timeout: float | None = None) -> str:
        asked = self._clock()
        try:
            answer = await self._client.call("token", method, request, TokenAnswer, timeout=timeout, attempts=ATTEMPTS)
        except RpcUnavailable as exc:
            raise TokenUnavailable(f"the token service does not answer: {exc}", retry_after=1.0) from exc
        except RpcFailure as exc:
            raise _unavailable(exc) from exc
        self._hold_off.pop(request.appid, None)
        if answer.access_token != self._dead.get(request.appid):
            self._cache[request.appid] = _Cached(answer.access_token, asked, asked + answer.expires_in)
        return answer.access_token

    def _may_ask(self, appid: str) -> bool:
        until, _ = self._hold_off.get(appid, (0.0, 0.0))
        return self._clock() >= until


def _unavailable(failure: RpcFailure) -> TokenUnavailable:
    text = f"the token service answers {failure}"
    lasting = failure.type_uri == problems.REFUSED or (400 <= failure.status < 500 and failure.status != 429)
    if lasting:
        return TokenRefused(text, retry_after=failure.retry_after)
    return TokenUnavailable(text, retry_after=failure.retry_after)
