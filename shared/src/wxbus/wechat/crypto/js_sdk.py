"""The signed configuration of WeChat's JS-SDK: `wx.config({appId, ...signed})` (protocol reference 8.2)."""

import secrets
import time
from dataclasses import dataclass
from hashlib import sha1


@dataclass(frozen=True, slots=True)
class JsSdkConfig:
    """The signed members of `wx.config`; the page adds the others."""

    appid: str
    timestamp: int
    """Seconds since the epoch."""
    noncestr: str
    signature: str

    def as_json(self) -> dict[str, str | int]:
        """Return the members under the names of the JS-SDK."""
        return {
            "appId": self.appid,
            "timestamp": self.timestamp,
            "nonceStr": self.noncestr,
            "signature": self.signature,
        }


def sign_page(
    appid: str, jsapi_ticket: str, url: str, *, noncestr: str | None = None, timestamp: int | None = None
) -> JsSdkConfig:
    """Return the JS-SDK configuration of the page at `url`.

    Args:
        appid: The account.
        jsapi_ticket: From the token service: `await tokens.get_ticket(appid)`. It must not reach the page.
        url: The page's URL as in the browser, with its query; the fragment is ignored.
        noncestr: Random by default.
        timestamp: Now by default.
    """
    noncestr = noncestr or secrets.token_hex(8)
    timestamp = int(time.time()) if timestamp is None else timestamp
    page = url.partition("#")[0]
    text = f"jsapi_ticket={jsapi_ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    # The JS-SDK requires SHA-1.
    return JsSdkConfig(appid, timestamp, noncestr, sha1(text.encode(), usedforsecurity=False).hexdigest())
