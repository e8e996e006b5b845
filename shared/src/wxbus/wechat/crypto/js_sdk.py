"""What a web page hands to WeChat's JS-SDK: `wx.config({appId, ...signed})` (protocol reference 8.2)."""

import secrets
import time
from dataclasses import dataclass
from hashlib import sha1


@dataclass(frozen=True, slots=True)
class JsSdkConfig:
    """The members of `wx.config`, besides those that are the page's own."""

    appid: str
    timestamp: int
    """Seconds since the epoch."""
    noncestr: str
    signature: str

    def as_json(self) -> dict[str, str | int]:
        """Return it with the names that the JS-SDK gives them."""
        return {
            "appId": self.appid,
            "timestamp": self.timestamp,
            "nonceStr": self.noncestr,
            "signature": self.signature,
        }


def sign_page(
    appid: str, jsapi_ticket: str, url: str, *, noncestr: str | None = None, timestamp: int | None = None
) -> JsSdkConfig:
    """Return what the page at `url` configures the JS-SDK with.

    Args:
        appid: The account.
        jsapi_ticket: Of the token service: `await tokens.get_ticket(appid)`. It must not reach the page.
        url: Of the page as the browser has it, with its query; what stands after `#` does not count.
        noncestr: Random by default.
        timestamp: Now by default.
    """
    noncestr = noncestr or secrets.token_hex(8)
    timestamp = int(time.time()) if timestamp is None else timestamp
    page = url.partition("#")[0]
    text = f"jsapi_ticket={jsapi_ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    # SHA-1 is what the JS-SDK checks.
    return JsSdkConfig(appid, timestamp, noncestr, sha1(text.encode(), usedforsecurity=False).hexdigest())
