"""Fetching an access token of WeCom, for the one service that may (protocol reference 8.4)."""

from typing import Final

from pydantic import SecretStr

from wxbus.api.fetched import FetchedToken, fetched
from wxbus.api.http import WeChatHttp

PATH: Final = "/cgi-bin/gettoken"


async def fetch_wecom_token(http: WeChatHttp, corpid: str, secret: SecretStr) -> FetchedToken:
    """Return the token of one application: each secret has its own, and asking again gives the same one.

    Raises:
        WeChatError: Wrong corpid (40013) or secret (40001), caller's address not allowed (60020), too often (45009).
        WeChatUnavailable: No usable answer.
    """
    answer = await http.get(PATH, {"corpid": corpid, "corpsecret": secret.get_secret_value()})
    return fetched(PATH, answer, "access_token")
