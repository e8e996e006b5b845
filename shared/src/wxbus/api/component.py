"""API calls of a third-party platform: its token, its authorisations and their tokens (protocol reference 8.3).

Each function raises:
    WeChatError: WeChat rejected the request: 61004 the caller's IP address; 61005, 61006 or 61058 the ticket; 61003 an
        account that has not authorised the platform; 61009 or 61010 a code; 61023 a refresh token; 40001 or 42001 the
        platform's token.
    WeChatUnavailable: No valid response; the code may have been used.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import SecretStr

from wxbus.api.answers import JsonObject, require_text
from wxbus.api.credentials import FetchedToken, fetched_token
from wxbus.api.http import WeChatHttp
from wxbus.errors import WeChatUnavailable

PREFIX: Final = "/cgi-bin/component/"
TOKEN: Final = f"{PREFIX}api_component_token"
START_PUSH: Final = f"{PREFIX}api_start_push_ticket"
PRE_AUTH_CODE: Final = f"{PREFIX}api_create_preauthcode"
QUERY_AUTH: Final = f"{PREFIX}api_query_auth"
AUTHORIZER_TOKEN: Final = f"{PREFIX}api_authorizer_token"
AUTHORIZER_INFO: Final = f"{PREFIX}api_get_authorizer_info"
AUTHORIZER_LIST: Final = f"{PREFIX}api_get_authorizer_list"
PAGE: Final = 500
"""Maximum number of authorizers in one response."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The authorisation of an account, with its refresh token."""

    appid: str
    refresh_token: str = field(repr=False)
    permissions: tuple[int, ...] = ()
    """Ids of the permission sets (`funcscope_category`)."""


@dataclass(frozen=True, slots=True)
class Authorizer:
    """An account in the list of all authorizers."""

    appid: str
    refresh_token: str = field(repr=False)
    authorized_at: int
    """Seconds since the epoch, on WeChat's clock."""


async def fetch_component_token(http: WeChatHttp, appid: str, secret: SecretStr, ticket: str) -> FetchedToken:
    """Return a token of the platform; `ticket` is the last pushed component_verify_ticket."""
    body = {
        "component_appid": appid,
        "component_appsecret": secret.get_secret_value(),
        "component_verify_ticket": ticket,
    }
    return fetched_token(TOKEN, await http.post(TOKEN, body), "component_access_token")


async def start_push_ticket(http: WeChatHttp, appid: str, secret: SecretStr) -> None:
    """Ask WeChat to resume pushing tickets; the next one arrives within ten minutes."""
    await http.post(START_PUSH, {"component_appid": appid, "component_secret": secret.get_secret_value()})


async def create_pre_auth_code(http: WeChatHttp, token: str, appid: str) -> FetchedToken:
    """Return a new pre-authorisation code for one authorisation page."""
    response = await _post(http, PRE_AUTH_CODE, token, {"component_appid": appid})
    return fetched_token(PRE_AUTH_CODE, response, "pre_auth_code")


async def query_auth(http: WeChatHttp, token: str, appid: str, code: str) -> Authorization:
    """Exchange an authorisation code, which is valid once."""
    response = await _post(http, QUERY_AUTH, token, {"component_appid": appid, "authorization_code": code})
    return _authorization(QUERY_AUTH, response)


async def authorizer_info(http: WeChatHttp, token: str, appid: str, authorizer_appid: str) -> Authorization:
    """Return the current authorisation of an account, including its refresh token."""
    body = {"component_appid": appid, "authorizer_appid": authorizer_appid}
    return _authorization(AUTHORIZER_INFO, await _post(http, AUTHORIZER_INFO, token, body))


async def fetch_authorizer_token(
    http: WeChatHttp, token: str, appid: str, authorizer_appid: str, refresh_token: str
) -> FetchedToken:
    """Return a token of an account; its `refresh_token` replaces the given one and must be stored."""
    body = {
        "component_appid": appid,
        "authorizer_appid": authorizer_appid,
        "authorizer_refresh_token": refresh_token,
    }
    response = await _post(http, AUTHORIZER_TOKEN, token, body)
    return replace(
        fetched_token(AUTHORIZER_TOKEN, response, "authorizer_access_token"),
        refresh_token=require_text(AUTHORIZER_TOKEN, response, "authorizer_refresh_token"),
    )


async def authorizer_list(
    http: WeChatHttp, token: str, appid: str, offset: int, count: int = PAGE
) -> tuple[list[Authorizer], int]:
    """Return up to `count` authorizers from `offset` on, and the total number."""
    body = {"component_appid": appid, "offset": offset, "count": count}
    response = await _post(http, AUTHORIZER_LIST, token, body)
    total, items = response.get("total_count"), response.get("list")
    if not isinstance(total, int) or not isinstance(items, list):
        raise WeChatUnavailable(f"{AUTHORIZER_LIST}: the response has no total_count or no list")
    return [_list_item(item) for item in items if isinstance(item, dict)], total


async def _post(http: WeChatHttp, path: str, token: str, body: JsonObject) -> JsonObject:
    return await http.post(path, body, {"component_access_token": token})


def _list_item(item: JsonObject) -> Authorizer:
    authorized_at = item.get("auth_time")
    return Authorizer(
        require_text(AUTHORIZER_LIST, item, "authorizer_appid"),
        require_text(AUTHORIZER_LIST, item, "refresh_token"),
        authorized_at if isinstance(authorized_at, int) else 0,
    )


def _authorization(path: str, response: JsonObject) -> Authorization:
    info = response.get("authorization_info")
    if not isinstance(info, dict):
        raise WeChatUnavailable(f"{path}: the response has no authorization_info")
    scopes = info.get("func_info")
    categories = [scope.get("funcscope_category") for scope in scopes or () if isinstance(scope, dict)]
    return Authorization(
        require_text(path, info, "authorizer_appid"),
        require_text(path, info, "authorizer_refresh_token"),
        tuple(entry["id"] for entry in categories if isinstance(entry, dict) and isinstance(entry.get("id"), int)),
    )
