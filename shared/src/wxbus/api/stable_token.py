"""Fetching an access token from WeChat, for the one service that may (protocol reference 8.1)."""

from typing import Final

from pydantic import SecretStr

from wxbus.api.fetched import FetchedToken, fetched
from wxbus.api.http import JsonObject, WeChatHttp

STABLE_PATH: Final = "/cgi-bin/stable_token"
CLASSIC_PATH: Final = "/cgi-bin/token"


async def fetch_stable_token(
    http: WeChatHttp, appid: str, secret: SecretStr, *, force_refresh: bool = False
) -> FetchedToken:
    """Return the account's stable token: the same one until it nears its end.

    `force_refresh` makes the one before invalid at once; WeChat allows that 20 times a day, 30 s apart.

    Raises:
        WeChatError: Wrong appid (40013) or secret (40125), caller's address not allowed (40164), secret frozen
            (40243), too often (45009, 45011): none of them is cured by asking again at once.
        WeChatUnavailable: No usable answer; with `force_refresh` the token before may be invalid all the same.
    """
    body: JsonObject = {
        "grant_type": "client_credential",
        "appid": appid,
        "secret": secret.get_secret_value(),
        "force_refresh": force_refresh,
    }
    return fetched(STABLE_PATH, await http.post(STABLE_PATH, body), "access_token")


async def fetch_classic_token(http: WeChatHttp, appid: str, secret: SecretStr) -> FetchedToken:
    """Return a new token of the older kind: each fetch lets the one before go on for five minutes only.

    Raises:
        WeChatError: As `fetch_stable_token`; 2000 fetches a day are allowed.
        WeChatUnavailable: No usable answer; a new token may have been made all the same.
    """
    query = {"grant_type": "client_credential", "appid": appid, "secret": secret.get_secret_value()}
    return fetched(CLASSIC_PATH, await http.get(CLASSIC_PATH, query), "access_token")
