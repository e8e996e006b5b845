"""A bad day of WeChat: troubles that come at random, the same ones with the same seed (decision 0052)."""

import hashlib
import json
from collections import Counter
from typing import Any, Final

from aiohttp import web

from wxbus_sandbox.models import BadDay, BadDayState, Fault, Trouble
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import TokenIssuer

SENDS: Final = frozenset({"/cgi-bin/message/custom/send", "/cgi-bin/message/custom/business/send"})
EFFECTS: Final[dict[Trouble, dict[str, Any]]] = {
    Trouble.CLOSED: {"disconnect": True},
    Trouble.LOST: {"disconnect": True, "effect": True},
    Trouble.BUSY: {"errcode": -1},
    Trouble.QUOTA: {"errcode": 45009},
    Trouble.WINDOW: {"errcode": 45015},
    Trouble.ALLOWANCE: {"errcode": 45047},
}
"""The fault of each trouble; a call gets the first that happens."""
WITH_TOKEN: Final = {Trouble.QUOTA, Trouble.WINDOW, Trouble.ALLOWANCE}
OF_SENDS: Final = {Trouble.WINDOW, Trouble.ALLOWANCE}
SKEW: Final = 240.0
"""Seconds by which the clock of callbacks is wrong at most; receivers accept five minutes."""
MOST_BODY: Final = 64 * 1024
"""Bytes of a body; in a larger body the user is not looked up."""


class BadDays:
    """Decides which calls and pushes a trouble hits.

    The decision depends on the seed, the trouble, the user, and the number of the user's earlier calls or pushes. It
    does not depend on other users.
    """

    def __init__(self, tokens: TokenIssuer) -> None:
        self._tokens = tokens
        self.day = BadDay()
        self._drawn: Counter[tuple[Trouble, str]] = Counter()
        self._happened: Counter[Trouble] = Counter()

    def begin(self, day: BadDay) -> None:
        """Begin another day, from its first draw on."""
        self.day = day
        self._drawn.clear()
        self._happened.clear()

    def reset(self) -> None:
        """End the bad day."""
        self.begin(BadDay())

    def state(self) -> BadDayState:
        """Return the troubles, and how often each has happened."""
        return BadDayState(**dict(self.day), happened=dict(self._happened))

    def draw(self, trouble: Trouble, key: str) -> float:
        """Return the severity, above 0 and up to 1, or 0.0 if the trouble does not happen; `key` names the user."""
        share = self.day.troubles.get(trouble, 0.0)
        if not share:
            return 0.0
        self._drawn[trouble, key] += 1
        text = f"{self.day.seed} {trouble} {key} {self._drawn[trouble, key]}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if int.from_bytes(digest[:8]) / 2**64 >= share:
            return 0.0
        self._happened[trouble] += 1
        return (int.from_bytes(digest[8:16]) + 1) / 2**64

    async def fault(self, request: web.Request) -> Fault | None:
        """Return the fault of a call of WeChat's API, None without one; `Trouble.TOKENS` invalidates its token."""
        if not self.day.troubles:
            return None
        path, token = request.path, request.query.get("access_token", "")
        key = f"{path} {await _user_of(request)}"
        if token and self.draw(Trouble.TOKENS, key):
            self._invalidate(token)
        delay = self.draw(Trouble.SLOW, key) * self.day.seconds
        for trouble, effect in EFFECTS.items():
            possible = (trouble not in WITH_TOKEN or token) and (trouble not in OF_SENDS or path in SENDS)
            if possible and self.draw(trouble, key):
                return Fault.model_construct(path=path, delay=delay, **effect)
        return Fault.model_construct(path=path, delay=delay) if delay else None

    def skew(self, key: str) -> float:
        """Return the seconds by which the clock of a push is wrong, up to four minutes either way."""
        amount = self.draw(Trouble.CLOCK, key)
        return (2 * amount - 1) * SKEW if amount else 0.0

    def _invalidate(self, token: str) -> None:
        try:
            self._tokens.invalidate(self._tokens.appid_of(token))
        except ApiError:
            return  # the token is not valid anyway


BAD_DAYS: Final = web.AppKey("bad_days", BadDays)


async def _user_of(request: web.Request) -> str:
    """Return the user to whom a call sends, "" for none."""
    if request.content_type == "multipart/form-data" or (request.content_length or 0) > MOST_BODY:
        return ""
    try:
        body = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError):
        return ""
    return str(body.get("touser", "")) if isinstance(body, dict) else ""
