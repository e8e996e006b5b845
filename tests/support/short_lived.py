"""A WeChat whose tokens live for seconds; it counts requests and judges returned tokens."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from aiohttp import web

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import Issued, TokenIssuer
from wxbus_sandbox.settings import Rules

WORK = 0.2
"""Seconds until WeChat answers."""


class Moment(StrEnum):
    """When `look` is called for a fetch."""

    ASKED = "asked"
    """The request has arrived; no token is made yet."""
    MADE = "made"
    """The token is made and supersedes the one before; the answer is not sent yet."""


@dataclass(eq=False)
class Fetch:
    """One request for a token."""

    appid: str
    caller: str
    """Name of the instance: the first part of the path, which differs for each instance."""


Look: TypeAlias = Callable[[Fetch, Moment], Awaitable[None]]


@dataclass
class Made:
    """A token."""

    number: int
    """Counted per account."""
    superseded_at: float | None = None
    """On the monotonic clock."""


class ShortLivedWeChat:
    """Both token endpoints by WeChat's rules (protocol reference 8.1), with other numbers."""

    def __init__(self, rules: Rules) -> None:
        self.mint = TokenIssuer(Clock(), rules)
        self.overlap = rules.token_overlap
        self.fetches: list[Fetch] = []
        self.under_way: list[Fetch] = []
        """Fetches that are not answered yet, and whose caller lives."""
        self.most_at_once: Counter[str] = Counter()
        self.look: Look | None = None
        """Called with every fetch, and may delay it."""
        self._made: dict[str, dict[str, Made]] = defaultdict(dict)

    def fetched(self, appid: str) -> int:
        """Return the number of fetches for the account."""
        return sum(fetch.appid == appid for fetch in self.fetches)

    def judge(self, appid: str, token: str) -> tuple[int, float]:
        """Return a token's number, and the seconds since it was superseded (0: it is the newest)."""
        made = self._made[appid][token]
        return made.number, 0.0 if made.superseded_at is None else time.monotonic() - made.superseded_at

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Yield its address, to which each caller adds its name; a request ends with its caller's connection."""
        app = web.Application()
        app.router.add_get("/{caller}/cgi-bin/token", self._classic)
        app.router.add_post("/{caller}/cgi-bin/stable_token", self._stable)
        app.router.add_get("/{caller}/cgi-bin/getcallbackip", self._check)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _classic(self, request: web.Request) -> web.Response:
        return await self._fetch(request, request.query["appid"], self.mint.fetch_classic)

    async def _stable(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return await self._fetch(
            request,
            asked["appid"],
            lambda appid: self.mint.fetch_stable(appid, force=asked.get("force_refresh", False)),
        )

    async def _check(self, request: web.Request) -> web.Response:
        try:
            self.mint.appid_of(request.query.get("access_token", ""))
        except ApiError as exc:
            return web.json_response({"errcode": exc.errcode, "errmsg": "refused"})
        return web.json_response({"ip_list": []})

    async def _fetch(self, request: web.Request, appid: str, make: Callable[[str], Issued]) -> web.Response:
        fetch = Fetch(appid, request.match_info["caller"])
        self.fetches.append(fetch)
        self.under_way.append(fetch)
        at_once = sum(other.appid == appid for other in self.under_way)
        self.most_at_once[appid] = max(self.most_at_once[appid], at_once)
        try:
            await self._show(fetch, Moment.ASKED)
            await asyncio.sleep(WORK)
            issued = make(appid)
            self._note(appid, issued.value)
            await self._show(fetch, Moment.MADE)
            return web.json_response({"access_token": issued.value, "expires_in": issued.expires_in})
        finally:
            self.under_way.remove(fetch)

    async def _show(self, fetch: Fetch, moment: Moment) -> None:
        if self.look is not None:
            await self.look(fetch, moment)

    def _note(self, appid: str, token: str) -> None:
        made = self._made[appid]
        if token in made:
            return
        for earlier in made.values():
            if earlier.superseded_at is None:
                earlier.superseded_at = time.monotonic()
        made[token] = Made(len(made) + 1)
