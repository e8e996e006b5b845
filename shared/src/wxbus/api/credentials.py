"""Fetches and checks access tokens and tickets. Only the token service may call these functions (protocol reference 8).

Each function that fetches raises:
    WeChatError: WeChat rejected the request.
    WeChatUnavailable: No valid response. WeChat may have made a new token, and invalidated the previous one.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pydantic import SecretStr

from wxbus.api.answers import JsonObject, require_text
from wxbus.api.http import WeChatHttp
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable

STABLE_TOKEN: Final = "/cgi-bin/stable_token"  # noqa: S105 - a path
CLASSIC_TOKEN: Final = "/cgi-bin/token"  # noqa: S105 - a path
TICKET: Final = "/cgi-bin/ticket/getticket"
WECOM_TOKEN: Final = "/cgi-bin/gettoken"  # noqa: S105 - a path
CALLBACK_IP: Final = "/cgi-bin/getcallbackip"
AFTER_TOKEN_CHECK: Final = frozenset({45009, 45011, 48001, 48004, 50001, 50002, 61007, 61016})
"""Errcodes for a quota or a permission, which WeChat checks after it accepted the token."""

TicketType: TypeAlias = Literal["jsapi", "wx_card"]
WeComTicketKind: TypeAlias = Literal["jsapi_ticket", "agent_ticket"]
WECOM_TICKETS: Final[Mapping[WeComTicketKind, tuple[str, Mapping[str, str]]]] = {
    "jsapi_ticket": ("/cgi-bin/get_jsapi_ticket", {}),
    "agent_ticket": ("/cgi-bin/ticket/get", {"type": "agent_config"}),
}
"""Path and query of each ticket (WeCom reference 4.4)."""


@dataclass(frozen=True, slots=True)
class FetchedToken:
    """A token or ticket from WeChat."""

    value: str = field(repr=False)
    expires_in: int
    """Seconds from the response on; at most 7200."""
    refresh_token: str | None = field(default=None, repr=False)
    """Of an authorizer: replaces the refresh token of the request (protocol reference 8.3)."""


async def fetch_stable_token(
    http: WeChatHttp, appid: str, secret: SecretStr, *, force_refresh: bool = False
) -> FetchedToken:
    """Return the account's stable token, which stays the same until shortly before its end (protocol reference 8.1).

    `force_refresh` invalidates the previous token at once; WeChat allows it 20 times a day, 30 s apart.

    Raises:
        WeChatError: Wrong appid (40013) or secret (40125), IP address not allowed (40164), secret frozen (40243), too
            many calls (45009, 45011); an immediate retry does not help.
    """
    body: JsonObject = {
        "grant_type": "client_credential",
        "appid": appid,
        "secret": secret.get_secret_value(),
        "force_refresh": force_refresh,
    }
    return fetched_token(STABLE_TOKEN, await http.post(STABLE_TOKEN, body), "access_token")


async def fetch_classic_token(http: WeChatHttp, appid: str, secret: SecretStr) -> FetchedToken:
    """Return a new token of the older kind; the previous one stays valid for five minutes (protocol reference 8.1).

    Raises:
        WeChatError: As `fetch_stable_token`; 2000 calls a day are allowed.
    """
    query = {"grant_type": "client_credential", "appid": appid, "secret": secret.get_secret_value()}
    return fetched_token(CLASSIC_TOKEN, await http.get(CLASSIC_TOKEN, query), "access_token")


async def fetch_wecom_token(http: WeChatHttp, corpid: str, secret: SecretStr) -> FetchedToken:
    """Return the token of one WeCom application, identified by its secret (protocol reference 8.4).

    Raises:
        WeChatError: Wrong corpid (40013) or secret (40001), IP address not allowed (60020), too many calls (45009).
    """
    response = await http.get(WECOM_TOKEN, {"corpid": corpid, "corpsecret": secret.get_secret_value()})
    return fetched_token(WECOM_TOKEN, response, "access_token")


async def fetch_ticket(http: WeChatHttp, access_token: str, ticket_type: TicketType) -> FetchedToken:
    """Return the account's ticket for web pages or cards (protocol reference 8.2).

    Raises:
        WeChatError: The token is rejected (40001, 40014, 42001), the account has no such ticket (48001), too many calls
            (45009).
    """
    return fetched_token(TICKET, await http.get(TICKET, {"access_token": access_token, "type": ticket_type}), "ticket")


async def fetch_wecom_ticket(http: WeChatHttp, access_token: str, kind: WeComTicketKind) -> FetchedToken:
    """Return the ticket of a corp or of an application for web pages in WeCom (WeCom reference 4.4).

    Raises:
        WeChatError: The token is rejected (40014, 42001), or too many calls (45009).
    """
    path, query = WECOM_TICKETS[kind]
    return fetched_token(path, await http.get(path, {"access_token": access_token, **query}), "ticket")


async def is_token_accepted(http: WeChatHttp, token: str) -> bool:
    """Return whether WeChat or WeCom accepts an access token; the check only reads a list of addresses.

    Raises:
        WeChatUnavailable: No valid response, so the answer is unknown.
    """
    return await is_accepted(http.get(CALLBACK_IP, {"access_token": token}))


async def is_accepted(call: Awaitable[object]) -> bool:
    """Return whether the response to a call shows that WeChat accepts its token.

    Raises:
        WeChatUnavailable: No valid response, so the answer is unknown.
    """
    try:
        await call
    except WeChatError as exc:
        if exc.policy is Policy.REFRESH:
            return False
        if exc.errcode not in AFTER_TOKEN_CHECK:
            raise WeChatUnavailable(str(exc)) from exc
    return True


def fetched_token(path: str, response: JsonObject, name: str) -> FetchedToken:
    """Return the token `name` of a response.

    Raises:
        WeChatUnavailable: The token or `expires_in` is missing.
    """
    expires_in = response.get("expires_in")
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdigit():
        expires_in = int(expires_in)
    if not isinstance(expires_in, int) or expires_in <= 0:
        raise WeChatUnavailable(f"{path}: the response has no expires_in")
    return FetchedToken(require_text(path, response, name), expires_in)
