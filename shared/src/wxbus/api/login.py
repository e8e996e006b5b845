"""Exchanges of login codes for users of Mini Programs (protocol reference 10).

A call is never repeated: a code is valid once, and a repeat would hide the first error.

Each function raises:
    LoginRequired: The code is wrong or used (40029, 40163): the client must log in again.
    UserRefused: WeChat refuses a high-risk user (40226).
    RateLimited: Too many logins of this user (45011).
    WeChatUnavailable: No valid response; the code may be used.
"""

from typing import Final

from pydantic import SecretStr

from wxbus.api.answers import JsonObject, require_text
from wxbus.api.http import WeChatHttp
from wxbus.api.models import Login

LOGIN: Final = "/sns/jscode2session"
AUTHORIZER_LOGIN: Final = "/sns/component/jscode2session"
GRANT: Final = "authorization_code"


async def exchange_code(http: WeChatHttp, appid: str, code: str, secret: SecretStr) -> Login:
    """Return the user of a login code; `secret` is the AppSecret."""
    query = {"appid": appid, "secret": secret.get_secret_value(), "js_code": code, "grant_type": GRANT}
    return _login(LOGIN, await http.get(LOGIN, query))


async def exchange_authorizer_code(http: WeChatHttp, token: str, platform: str, appid: str, code: str) -> Login:
    """Return the user of an authoriser's login code; `token` is that of the third-party platform `platform`."""
    query = {
        "appid": appid,
        "js_code": code,
        "grant_type": GRANT,
        "component_appid": platform,
        "component_access_token": token,
    }
    return _login(AUTHORIZER_LOGIN, await http.get(AUTHORIZER_LOGIN, query))


def _login(path: str, response: JsonObject) -> Login:
    unionid = response.get("unionid")
    return Login(
        require_text(path, response, "openid"),
        SecretStr(require_text(path, response, "session_key")),
        unionid if isinstance(unionid, str) and unionid else None,
    )
