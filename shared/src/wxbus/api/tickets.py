"""Fetching the tickets of an account's web pages and cards, for the one service that may (protocol reference 8.2)."""

from typing import Final, Literal, TypeAlias

from wxbus.api.fetched import FetchedToken, fetched
from wxbus.api.http import WeChatHttp

PATH: Final = "/cgi-bin/ticket/getticket"

TicketType: TypeAlias = Literal["jsapi", "wx_card"]


async def fetch_ticket(http: WeChatHttp, access_token: str, ticket_type: TicketType) -> FetchedToken:
    """Return the account's ticket; few calls are allowed, so keep it as a token is kept.

    Raises:
        WeChatError: The token is refused (40001, 40014, 42001), the account may have no such ticket (48001), too often
            (45009).
        WeChatUnavailable: No usable answer.
    """
    return fetched(PATH, await http.get(PATH, {"access_token": access_token, "type": ticket_type}), "ticket")
