"""What WeChat tells of itself (protocol reference 11)."""

from typing import Final

from wxbus.api.calls import READ, Calls
from wxbus.api.http import WeChatHttp
from wxbus.errors import WeChatUnavailable

CALLBACK_IP_PATH: Final = "/cgi-bin/getcallbackip"


async def callback_addresses(http: WeChatHttp, calls: Calls) -> list[str]:
    """Return the addresses that callbacks come from; some may be networks."""
    answer = await calls.with_token(lambda token: http.get(CALLBACK_IP_PATH, {"access_token": token}), READ)
    addresses = answer.get("ip_list")
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise WeChatUnavailable(f"{CALLBACK_IP_PATH}: the answer has no list of addresses")
    return addresses
