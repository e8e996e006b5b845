"""Access tokens and tickets in memory."""

from typing import get_args

from wxbus.tokens import TokenClient
from wxbus.tokens.messages import TicketKind


class FixedTokens(TokenClient):
    """Has the same token and tickets all the time: `token-<appid>`, `jsapi_ticket-<appid>` ..."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str]] = []
        """Appid, and the reported token or ticket, oldest first."""

    async def get(self, appid: str) -> str:
        """Return the token."""
        return f"token-{appid}"

    async def report_invalid(self, appid: str, token: str) -> str:
        """Append the token to `reports`, and return the same one."""
        self.reports.append((appid, token))
        return await self.get(appid)

    async def get_ticket(self, appid: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Return the ticket."""
        if kind not in get_args(TicketKind):
            raise ValueError(f"{kind!r} is not a kind of ticket")
        return f"{kind}-{appid}"

    async def report_ticket(self, appid: str, ticket: str, kind: TicketKind = "jsapi_ticket") -> str:
        """Append the ticket to `reports`, and return the same one."""
        self.reports.append((appid, ticket))
        return await self.get_ticket(appid, kind)

    async def get_component_token(self, appid: str) -> str:
        """Return the token of a third-party platform."""
        return f"component_token-{appid}"

    async def report_component_token(self, appid: str, token: str) -> str:
        """Append the token to `reports`, and return the same one."""
        self.reports.append((appid, token))
        return await self.get_component_token(appid)
