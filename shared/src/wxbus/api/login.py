"""Exchanges of login codes for users of Mini Programs (protocol reference 10), and of web pages.

A call is never repeated: a code is valid once, and a repeat would hide the first error.

Each function raises:
    LoginRequired: The code is wrong or used (40029, 40163): the client must log in again.
    UserRefused: WeChat refuses a high-risk user (40226).
    RateLimited: Too many logins of this user (45011).
    WeChatUnavailable: No valid response; the code may have been used.
"""

from typing import Final

from pydantic import SecretStr, TypeAdapter

from wxbus.api.answers import JsonObject, read_answer, require_text
from wxbus.api.http import WeChatHttp
from wxbus.api.models import Login, WebLogin

LOGIN: Final = "/sns/jscode2session"
AUTHORIZER_LOGIN: Final = "/sns/component/jscode2session"
WEB_LOGIN: Final = "/sns/oauth2/access_token"
AUTHORIZER_WEB_LOGIN: Final = "/sns/oauth2/component/access_token"
WEB_REFRESH: Final = "/sns/oauth2/refresh_token"
AUTHORIZER_WEB_REFRESH: Final = "/sns/oauth2/component/refresh_token"
REFRESH_GRANT: Final = "refresh_token"
GRANT: Final = "authorization_code"
WEB_LOGINS: Final = TypeAdapter(WebLogin)


async def exchange_code(http: WeChatHttp, appid: str, code: str, secret: SecretStr) -> Login:
    """Return the user of a login code; `secret` is the AppSecret."""
    query = {"appid": appid, "secret": secret.get_secret_value(), "js_code": code, "grant_type": GRANT}
    return _login(LOGIN, await http.get(LOGIN, query))


async def exchange_authorizer_code(http: WeChatHttp, token: str, platform: str, appid: str, code: str) -> Login:
    """Return the user of an authorizer's login code; `token` is that of the third-party platform `platform`."""
    query = {
        "appid": appid,
        "js_code": code,
        "grant_type": GRANT,
        "component_appid": platform,
        "component_access_token": token,
    }
    return _login(AUTHORIZER_LOGIN, await http.get(AUTHORIZER_LOGIN, query))


async def exchange_web_code(http: WeChatHttp, appid: str, code: str, secret: SecretStr) -> WebLogin:
    """Return the user of the code with which WeChat redirected to a web page; `secret` is the AppSecret."""
    query = {"appid": appid, "secret": secret.get_secret_value(), "code": code, "grant_type": GRANT}
    return _web_login(WEB_LOGIN, await http.get(WEB_LOGIN, query))


async def exchange_authorizer_web_code(http: WeChatHttp, token: str, platform: str, appid: str, code: str) -> WebLogin:
    """Return the user of a web page of an authorizer; `token` is that of the third-party platform `platform`."""
    query = {
        "appid": appid,
        "code": code,
        "grant_type": GRANT,
        "component_appid": platform,
        "component_access_token": token,
    }
    return _web_login(AUTHORIZER_WEB_LOGIN, await http.get(AUTHORIZER_WEB_LOGIN, query))


async def refresh_web_login(http: WeChatHttp, appid: str, refresh_token: SecretStr) -> WebLogin:
    """Return new tokens of a user of a web page.

    Raises:
        LoginRequired: The refresh token is wrong or expired (40030, 42002): the user must permit it again.
    """
    query = {"appid": appid, "grant_type": REFRESH_GRANT, "refresh_token": refresh_token.get_secret_value()}
    return _web_login(WEB_REFRESH, await http.get(WEB_REFRESH, query))


async def refresh_authorizer_web_login(
    http: WeChatHttp, token: str, platform: str, appid: str, refresh_token: SecretStr
) -> WebLogin:
    """Return new tokens of a user of an authorizer's web page; raises as `refresh_web_login` does."""
    query = {
        "appid": appid,
        "grant_type": REFRESH_GRANT,
        "refresh_token": refresh_token.get_secret_value(),
        "component_appid": platform,
        "component_access_token": token,
    }
    return _web_login(AUTHORIZER_WEB_REFRESH, await http.get(AUTHORIZER_WEB_REFRESH, query))


def _web_login(path: str, response: JsonObject) -> WebLogin:
    fields = {
        **response,
        "scope": response.get("scope", ""),
        "unionid": response.get("unionid") or None,
        "is_snapshot": response.get("is_snapshotuser", False),
    }
    return read_answer(path, WEB_LOGINS.validate_python, fields)


def _login(path: str, response: JsonObject) -> Login:
    unionid = response.get("unionid")
    return Login(
        require_text(path, response, "openid"),
        SecretStr(require_text(path, response, "session_key")),
        unionid if isinstance(unionid, str) and unionid else None,
    )
