"""What WeChat tells of itself (protocol reference 11)."""

from collections.abc import Awaitable
from typing import Final

from wxbus.api.calls import READ, Calls
from wxbus.api.http import WeChatHttp
from wxbus.errcodes import Policy
from wxbus.errors import WeChatError, WeChatUnavailable

CALLBACK_IP_PATH: Final = "/cgi-bin/getcallbackip"
AFTER_THE_TOKEN: Final = frozenset({45009, 45011, 48001, 48004, 50001, 50002, 61007, 61016})
"""Refusals for a quota or a permission: WeChat has looked at the token before, and accepted it."""


async def callback_addresses(http: WeChatHttp, calls: Calls) -> list[str]:
    """Return the addresses that callbacks come from; some may be networks."""
    answer = await calls.with_token(lambda token: http.get(CALLBACK_IP_PATH, {"access_token": token}), READ)
    addresses = answer.get("ip_list")
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise WeChatUnavailable(f"{CALLBACK_IP_PATH}: the answer has no list of addresses")
    return addresses


async def accepts_token(http: WeChatHttp, token: str) -> bool:
    """Say whether WeChat, or WeCom, accepts an access token. The call reads a list of addresses: it changes nothing.

    Raises:
        WeChatUnavailable: No usable answer, so it is not known.
    """
    return await accepted(http.get(CALLBACK_IP_PATH, {"access_token": token}))


async def accepted(call: Awaitable[object]) -> bool:
    """Say whether the answer to a call shows that WeChat accepts the token of the call.

    Raises:
        WeChatUnavailable: No usable answer, so it is not known.
    """
    try:
        await call
    except WeChatError as exc:
        if exc.policy is Policy.REFRESH:
            return False
        if exc.errcode not in AFTER_THE_TOKEN:
            raise WeChatUnavailable(str(exc)) from exc
    return True
