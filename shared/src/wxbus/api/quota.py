"""Resets the daily quotas of all endpoints with a secret, which works when no call with the token is left.

Each function raises:
    QuotaExceeded: The resets of the month are used up (48006); WeChat allows 10.
    NotPermitted: Wrong secret, or the caller's IP address is not allowed.
    WeChatUnavailable: No valid response; the reset may have happened.
"""

from typing import Final

from pydantic import SecretStr

from wxbus.api.http import WeChatHttp

RESET: Final = "/cgi-bin/clear_quota/v2"
AUTHORIZER_RESET: Final = "/cgi-bin/component/clear_quota/v2"


async def reset_quota(http: WeChatHttp, appid: str, secret: SecretStr) -> None:
    """Reset the quotas of an account with its AppSecret."""
    await http.post(RESET, {"appid": appid, "appsecret": secret.get_secret_value()})


async def reset_authorizer_quota(http: WeChatHttp, appid: str, platform: str, secret: SecretStr) -> None:
    """Reset the quotas of an account that has authorised a third-party platform, with the secret of the platform."""
    body = {"appid": appid, "component_appid": platform, "appsecret": secret.get_secret_value()}
    await http.post(AUTHORIZER_RESET, body)
