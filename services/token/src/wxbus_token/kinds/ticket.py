"""Tickets, fetched with the account's access token."""

from typing import Final, Literal

from wxbus.api.calls import NO_RETRIES, Calls
from wxbus.api.credentials import FetchedToken, TicketType, fetch_ticket
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource
from wxbus_token.kinds.base import digest_of

TicketKind = Literal["jsapi_ticket", "wx_card_ticket"]
TYPES: Final[dict[TicketKind, TicketType]] = {"jsapi_ticket": "jsapi", "wx_card_ticket": "wx_card"}


class Ticket:
    """`jsapi_ticket`, with which pages are signed, or the one of cards (protocol reference 8.2)."""

    on_demand = True
    repeatable = True
    forcible = False
    checkable = False

    def __init__(self, http: WeChatHttp, kind: TicketKind, appid: str, tokens: TokenSource) -> None:
        """`tokens` gives the account's access token."""
        self._http = http
        self._calls = Calls(appid, tokens)
        self._type = TYPES[kind]
        self.kind = kind
        self.appid = appid
        self.fingerprint = digest_of(kind)

    async def accepted(self, _value: str) -> bool:
        """WeChat has no call that checks a ticket: what it gives when it is asked for one is valid."""
        raise NotImplementedError

    async def fetch(self, _means: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - WeChat has no force
        """Ask WeChat (see Credential)."""
        return await self._calls.with_token(lambda token: fetch_ticket(self._http, token, self._type), NO_RETRIES)
