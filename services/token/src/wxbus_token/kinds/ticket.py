"""Tickets, fetched with the account's access token."""

from typing import Final, Literal

from wxbus.api.calls import Calls, Repeat
from wxbus.api.credentials import FetchedToken, TicketType, WeComTicketKind, fetch_ticket, fetch_wecom_ticket
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource
from wxbus_token.kinds.base import Credential, digest_of

TicketKind = Literal["jsapi_ticket", "wx_card_ticket"]
TYPES: Final[dict[TicketKind, TicketType]] = {"jsapi_ticket": "jsapi", "wx_card_ticket": "wx_card"}


class BaseTicket(Credential):
    """A ticket, which is fetched with the account's access token."""

    on_demand = True
    idempotent = True

    def __init__(self, http: WeChatHttp, kind: str, appid: str, tokens: TokenSource) -> None:
        """`tokens` returns the account's access token."""
        super().__init__(http, appid, digest_of(kind))
        self.kind = kind
        self._calls = Calls(appid, tokens)

    async def accepted(self, _value: str) -> None:
        """Return None: WeChat has no call that checks a ticket."""


class Ticket(BaseTicket):
    """`jsapi_ticket`, which signs pages, or `wx_card_ticket` (protocol reference 8.2)."""

    def __init__(self, http: WeChatHttp, kind: TicketKind, appid: str, tokens: TokenSource) -> None:
        """`tokens` returns the account's access token."""
        super().__init__(http, kind, appid, tokens)
        self._type = TYPES[kind]

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - WeChat has no force
        """Return a value from WeChat (see Credential)."""
        return await self._calls.with_token(lambda token: fetch_ticket(self._http, token, self._type), Repeat.NEVER)


class WeComTicket(BaseTicket):
    """`jsapi_ticket` for `wx.config`, or `agent_ticket` for `wx.agentConfig` (WeCom reference 4.4)."""

    def __init__(self, http: WeChatHttp, kind: WeComTicketKind, appid: str, tokens: TokenSource) -> None:
        """`tokens` returns the application's access token."""
        super().__init__(http, kind, appid, tokens)
        self._ticket: WeComTicketKind = kind

    async def fetch(self, _grant: str | None, *, force: bool) -> FetchedToken:  # noqa: ARG002 - WeCom has no force
        """Return a value from WeCom (see Credential)."""
        return await self._calls.with_token(
            lambda token: fetch_wecom_ticket(self._http, token, self._ticket), Repeat.NEVER
        )
