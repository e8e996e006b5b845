"""One call of a handler."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.client import WeChatClient
from wxbus.api.wecom.client import WeComClient
from wxbus.errors import Reject
from wxbus.features import Features
from wxbus.tokens import TokenClient
from wxbus.tokens.tickets import AgentTicket, CardTicket, JsSdkTicket
from wxbus.wechat import Message
from wxbus_worker.context.context import Context
from wxbus_worker.handlers.current_delivery import CurrentDelivery
from wxbus_worker.handlers.robot_stream import RobotStream


@dataclass(slots=True, kw_only=True)  # not frozen: each message makes one
class HandlerCall:
    """One call of a handler: everything that it and the middleware around it can take."""

    message: Message
    context: Context
    account: Account
    client_of: Callable[[str], WeChatClient]
    """Returns the client for an appid."""
    delivery: CurrentDelivery
    groups: Mapping[str, str]
    """Named groups of the route's regular expression."""
    features: Features = field(default_factory=Features)
    error: Exception | None = None
    """The error, for an error handler."""

    @property
    def client(self) -> WeChatClient:
        """Return the client of the message's account."""
        return self.client_of(self.account.appid)

    @property
    def wecom_client(self) -> WeComClient:
        """Return the client of the message's account; raises Reject if it is not of WeCom."""
        if isinstance(client := self.client, WeComClient):
            return client
        raise Reject(f"account {self.account.name} is {self.account.kind}: its handlers take a WeChatClient")

    @property
    def js_sdk_ticket(self) -> JsSdkTicket:
        """Return the `JsSdkTicket` of the message's account, which signs its pages."""
        account = self.account
        corpid = account.effective_receive_id if account.kind is AccountKind.WECOM else None
        return JsSdkTicket(self.features[TokenClient], account.appid, corpid)

    @property
    def card_ticket(self) -> CardTicket:
        """Return the `CardTicket` of the message's account, which signs its cards."""
        return CardTicket(self.features[TokenClient], self.account.appid)

    @property
    def agent_ticket(self) -> AgentTicket:
        """Return the `AgentTicket` of the message's application; raises Reject if the account has no AgentId."""
        account = self.account
        if account.agent_id is None:
            raise Reject(f"account {account.name} has no agent_id: there is no AgentTicket without an application")
        return AgentTicket(self.features[TokenClient], account.appid, account.effective_receive_id, account.agent_id)

    @property
    def robot_stream(self) -> RobotStream:
        """Return the text that answers the message; raises Reject if no member wrote it to a robot."""
        if isinstance(found := self.features.get(RobotStream), RobotStream):
            return found
        raise Reject("only messages to a smart robot of WeCom have a RobotStream")


CallNext: TypeAlias = Callable[[HandlerCall], Awaitable[object]]
"""A handler, or the next step, as middleware calls it; it returns the replies."""
