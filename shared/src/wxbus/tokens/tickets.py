"""Tickets of accounts: they sign the values that a web page passes to the JS-SDK. The ticket stays on the server.

Handlers take them by type; other programs create them: `await JsSdkTicket(tokens, appid).sign(url)`. Every method
raises the errors of `TokenClient.get`. The API key needs the scope of the ticket.
"""

from dataclasses import dataclass

from wxbus.tokens.client import TokenClient
from wxbus.wechat.crypto.cards import SignedChoice, sign_card, sign_card_choice
from wxbus.wechat.crypto.js_sdk import AgentConfig, JsSdkConfig, sign_agent_page, sign_page


@dataclass(frozen=True, slots=True)
class JsSdkTicket:
    """Signs pages of an account for `wx.config` (protocol reference 8.2); scope `token:jsapi_ticket`."""

    tokens: TokenClient
    appid: str
    corpid: str | None = None
    """WeCom: the corp of the application, which the page passes as its `appId`."""

    async def sign(self, url: str) -> JsSdkConfig:
        """Return the configuration of the page at `url`, which is that in the browser, with its query.

        Raises:
            ValueError: `url` is not an address of a web page.
        """
        return sign_page(self.corpid or self.appid, await self.tokens.get_ticket(self.appid), url)


@dataclass(frozen=True, slots=True)
class AgentTicket:
    """Signs pages of an application of WeCom for `wx.agentConfig` (WeCom reference 4.4); scope `token:agent_ticket`."""

    tokens: TokenClient
    appid: str
    corpid: str
    agent_id: int

    async def sign(self, url: str) -> AgentConfig:
        """Return the configuration of the page at `url`; as `JsSdkTicket.sign`."""
        ticket = await self.tokens.get_ticket(self.appid, "agent_ticket")
        return sign_agent_page(self.corpid, self.agent_id, ticket, url)


@dataclass(frozen=True, slots=True)
class CardTicket:
    """Signs cards and invoices of an account (protocol reference 8.2); scope `token:wx_card_ticket`."""

    tokens: TokenClient
    appid: str

    async def sign(self, card_id: str, *, code: str = "", openid: str = "", balance: str = "") -> str:
        """Return the `cardExt` of one card in `wx.addCard`: a JSON text.

        Args:
            card_id: The card.
            code: The code of the card, if it uses your own codes.
            openid: The only user who may add the card.
            balance: Balance of a red envelope card.
        """
        ticket = await self._ticket()
        return sign_card(ticket, card_id, code=code, openid=openid, balance=balance)

    async def sign_choice(self, *, location_id: str = "", card_id: str = "", card_type: str = "") -> SignedChoice:
        """Return the signed members of `wx.chooseCard`; the page passes the same three values.

        With `card_type` "INVOICE" they are those of `wx.chooseInvoice`.
        """
        ticket = await self._ticket()
        return sign_card_choice(ticket, self.appid, location_id=location_id, card_id=card_id, card_type=card_type)

    async def _ticket(self) -> str:
        return await self.tokens.get_ticket(self.appid, "wx_card_ticket")
