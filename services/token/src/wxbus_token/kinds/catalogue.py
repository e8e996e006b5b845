"""Which credentials an account has."""

from collections.abc import Callable
from dataclasses import dataclass

from wxbus.accounts.models import Account, AccountKind
from wxbus.api.credentials import WECOM_TICKETS
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource
from wxbus_token.kinds.access_token import ClassicAccessToken, StableAccessToken, WeComAccessToken
from wxbus_token.kinds.base import ACCESS_TOKEN, Credential
from wxbus_token.kinds.platform import (
    AUTHORIZER_ACCESS_TOKEN,
    COMPONENT_ACCESS_TOKEN,
    AuthorizerAccessToken,
    ComponentAccessToken,
)
from wxbus_token.kinds.ticket import TYPES, Ticket, WeComTicket


@dataclass(frozen=True, slots=True)
class Sources:
    """The APIs from which credentials are fetched, and the tokens that the calls need."""

    wechat: WeChatHttp
    wecom: WeChatHttp
    tokens: Callable[[str], TokenSource]
    """Returns the source of a kind's tokens: some credentials are fetched with others."""


def credentials_of(account: Account, sources: Sources) -> list[Credential]:
    """Return the credentials of an account; none without a secret."""
    if account.secret is None:
        return []
    if account.kind is AccountKind.COMPONENT:
        return [ComponentAccessToken(sources.wechat, account.appid, account.secret)]
    if account.kind is AccountKind.WECOM:
        tokens = sources.tokens(ACCESS_TOKEN)
        return [
            WeComAccessToken(sources.wecom, account.appid, account.effective_receive_id, account.secret),
            *(WeComTicket(sources.wecom, kind, account.appid, tokens) for kind in WECOM_TICKETS),
        ]
    token = ClassicAccessToken if account.classic_token else StableAccessToken
    return [token(sources.wechat, account.appid, account.secret), *_tickets(account.appid, ACCESS_TOKEN, sources)]


def authorizer_credentials(component_appid: str, appid: str, sources: Sources) -> list[Credential]:
    """Return the credentials of an account that has authorised a third-party platform."""
    platform = sources.tokens(COMPONENT_ACCESS_TOKEN)
    token = AuthorizerAccessToken(sources.wechat, component_appid, appid, platform)
    return [token, *_tickets(appid, AUTHORIZER_ACCESS_TOKEN, sources)]


def _tickets(appid: str, token: str, sources: Sources) -> list[Credential]:
    return [Ticket(sources.wechat, kind, appid, sources.tokens(token)) for kind in TYPES]
