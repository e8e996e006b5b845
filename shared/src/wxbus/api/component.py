"""What a third-party platform asks WeChat for: its own token, codes, its authorisers' tokens (protocol reference 8.3).

Each function raises:
    WeChatError: WeChat refuses: 61004 the caller's address, 61005, 61006 or 61058 the ticket, 61003 an account that has
        not authorised us, 61009 or 61010 a code, 61023 a refresh token; 40001 or 42001 the platform's token.
    WeChatUnavailable: No usable answer; a code may be used up all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from wxbus.api.fetched import FetchedToken, fetched, text_of
from wxbus.api.http import JsonObject, WeChatHttp
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
"""Authorisers in one answer, at most."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an account allows us to do, and what its tokens are fetched with."""

    appid: str
    """Of the account."""
    refresh_token: str = field(repr=False)
    permissions: tuple[int, ...] = ()
    """WeChat's numbers of the permission sets (`funcscope_category`)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as the list of all authorisers has it."""

    appid: str
    refresh_token: str = field(repr=False)
    authorized_at: int
    """Seconds since the epoch, on WeChat's clock."""


async def fetch_component_token(http: WeChatHttp, appid: str, secret: SecretStr, ticket: str) -> FetchedToken:
    """Return a token of the platform itself; `ticket` is the last component_verify_ticket that was pushed."""
    body = {
        "component_appid": appid,
        "component_appsecret": secret.get_secret_value(),
        "component_verify_ticket": ticket,
    }
    return fetched(TOKEN, await http.post(TOKEN, body), "component_access_token")


async def start_push_ticket(http: WeChatHttp, appid: str, secret: SecretStr) -> None:
    """Ask WeChat to push tickets again: the next one comes within ten minutes."""
    await http.post(START_PUSH, {"component_appid": appid, "component_secret": secret.get_secret_value()})


async def create_pre_auth_code(http: WeChatHttp, token: str, appid: str) -> FetchedToken:
    """Return a new code for one page on which somebody authorises the platform."""
    return fetched(PRE_AUTH_CODE, await _post(http, PRE_AUTH_CODE, token, {"component_appid": appid}), "pre_auth_code")


async def query_auth(http: WeChatHttp, token: str, appid: str, code: str) -> Authorization:
    """Return what an authorisation code stands for; it can be exchanged once."""
    answer = await _post(http, QUERY_AUTH, token, {"component_appid": appid, "authorization_code": code})
    return _authorization(QUERY_AUTH, answer)


async def authorizer_info(http: WeChatHttp, token: str, appid: str, authorizer_appid: str) -> Authorization:
    """Return what WeChat has of an account's authorisation, its refresh token too."""
    body = {"component_appid": appid, "authorizer_appid": authorizer_appid}
    return _authorization(AUTHORIZER_INFO, await _post(http, AUTHORIZER_INFO, token, body))


async def fetch_authorizer_token(
    http: WeChatHttp, token: str, appid: str, authorizer_appid: str, refresh_token: str
) -> FetchedToken:
    """Return an account's token; store the refresh token that came along in place of the one given."""
    answer = await _post(
        http,
        AUTHORIZER_TOKEN,
        token,
        {
            "component_appid": appid,
            "authorizer_appid": authorizer_appid,
            "authorizer_refresh_token": refresh_token,
        },
    )
    got = fetched(AUTHORIZER_TOKEN, answer, "authorizer_access_token")
    return FetchedToken(got.value, got.expires_in, text_of(AUTHORIZER_TOKEN, answer, "authorizer_refresh_token"))


async def authorizer_list(
    http: WeChatHttp, token: str, appid: str, offset: int, count: int = PAGE
) -> tuple[list[Listed], int]:
    """Return up to `count` of the accounts that authorised the platform, from `offset` on, and how many there are."""
    body = {"component_appid": appid, "offset": offset, "count": count}
    answer = await _post(http, AUTHORIZER_LIST, token, body)
    total, items = answer.get("total_count"), answer.get("list")
    if not isinstance(total, int) or not isinstance(items, list):
        raise WeChatUnavailable(f"{AUTHORIZER_LIST}: the answer has no total_count or no list")
    return [_listed(item) for item in items if isinstance(item, dict)], total


async def _post(http: WeChatHttp, path: str, token: str, body: JsonObject) -> JsonObject:
    return await http.post(path, body, {"component_access_token": token})


def _listed(item: Mapping[str, Any]) -> Listed:
    when = item.get("auth_time")
    return Listed(
        text_of(AUTHORIZER_LIST, dict(item), "authorizer_appid"),
        text_of(AUTHORIZER_LIST, dict(item), "refresh_token"),
        when if isinstance(when, int) else 0,
    )


def _authorization(path: str, answer: JsonObject) -> Authorization:
    info = answer.get("authorization_info")
    if not isinstance(info, dict):
        raise WeChatUnavailable(f"{path}: the answer has no authorization_info")
    scopes = info.get("func_info")
    categories = [one.get("funcscope_category") for one in scopes or () if isinstance(one, dict)]
    return Authorization(
        text_of(path, info, "authorizer_appid"),
        text_of(path, info, "authorizer_refresh_token"),
        tuple(one["id"] for one in categories if isinstance(one, dict) and isinstance(one.get("id"), int)),
    )
