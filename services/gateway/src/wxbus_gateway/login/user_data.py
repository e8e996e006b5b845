"""The encrypted data of users: opened, and checked against account, user and time (protocol reference 10)."""

import time
from collections.abc import Callable
from typing import Any, Final

from pydantic import SecretStr

from wxbus.api.client import WeChatClient
from wxbus.errors import Forbidden, LoginRequired, RpcFailure
from wxbus.wechat.crypto.user_data import decrypt_user_data, raw_data_matches

MAX_AGE: Final = 3600.0
"""Seconds since WeChat encrypted the data; older data may be a replay."""
MAX_AHEAD: Final = 60.0
"""Seconds that WeChat's clock may be ahead of ours."""


class StaleSessionKey(Exception):
    """WeChat has replaced the session key: the Mini Program must log in again."""


class UserData:
    """Opens the encrypted data of users."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now

    async def open(
        self, client: WeChatClient, openid: str, session_key: SecretStr, *, iv: str, encrypted_data: str
    ) -> dict[str, Any]:
        """Return the data that WeChat encrypted for a page.

        Raises:
            StaleSessionKey: WeChat says that the session key is not valid any more.
            RpcFailure: 422, with one text for data that is not WeChat's, not of this account and user, or too old.
            WeChatUnavailable: WeChat does not say whether the session key is valid.
        """
        try:
            data = decrypt_user_data(session_key.get_secret_value(), iv, encrypted_data, client.appid)
            self._check(data, openid)
        except Forbidden as exc:
            if not await _is_valid(client, openid, session_key):
                raise StaleSessionKey from exc
            raise _refused() from None
        return data

    def _check(self, data: dict[str, Any], openid: str) -> None:
        moment = data["watermark"].get("timestamp")
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            raise Forbidden("the watermark has no time")
        if not -MAX_AHEAD <= self._now() - moment <= MAX_AGE:
            raise Forbidden("the data is too old")
        if data.get("openId", openid) != openid:
            raise Forbidden("the data belongs to another user")


def check_signature(session_key: SecretStr, raw_data: str, signature: str) -> None:
    """Raise RpcFailure 422 unless the page's `rawData` is unchanged."""
    if not raw_data_matches(signature, raw_data, session_key.get_secret_value()):
        raise _refused()


async def _is_valid(client: WeChatClient, openid: str, session_key: SecretStr) -> bool:
    """Return whether WeChat still uses the session key."""
    try:
        await client.sessions.check(openid, session_key)
    except LoginRequired:
        return False
    return True


def _refused() -> RpcFailure:
    return RpcFailure(
        422, "The user data cannot be accepted", detail="it is not WeChat's data of this user and account, or too old"
    )
