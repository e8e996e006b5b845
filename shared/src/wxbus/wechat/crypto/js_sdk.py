"""Signed configurations of the JS-SDK: `wx.config` (protocol reference 8.2), `wx.agentConfig` (WeCom reference 4.4)."""

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


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The signed members of WeCom's `wx.agentConfig`; the page adds the others."""

    corpid: str
    agentid: int
    timestamp: int
    """Seconds since the epoch."""
    noncestr: str
    signature: str

    def as_json(self) -> dict[str, str | int]:
        """Return the members under the names of the JS-SDK."""
        return {
            "corpid": self.corpid,
            "agentid": self.agentid,
            "timestamp": self.timestamp,
            "nonceStr": self.noncestr,
            "signature": self.signature,
        }


def sign_page(
    appid: str, jsapi_ticket: str, url: str, *, noncestr: str | None = None, timestamp: int | None = None
) -> JsSdkConfig:
    """Return the JS-SDK configuration of the page at `url`. `wxbus.tokens.tickets.JsSdkTicket` gets the ticket itself.

    Args:
        appid: The account; in WeCom the corpid.
        jsapi_ticket: From the token service. It must not reach the page.
        url: The page's URL as in the browser, with its query; the fragment is ignored.
        noncestr: Random by default.
        timestamp: Now by default.

    Raises:
        ValueError: `url` is not an address of a web page.
    """
    return JsSdkConfig(appid, *_signed(jsapi_ticket, url, noncestr, timestamp))


def sign_agent_page(
    corpid: str,
    agentid: int,
    agent_ticket: str,
    url: str,
    *,
    noncestr: str | None = None,
    timestamp: int | None = None,
) -> AgentConfig:
    """Return the configuration of an application of WeCom for the page at `url`; as `sign_page`."""
    return AgentConfig(corpid, agentid, *_signed(agent_ticket, url, noncestr, timestamp))


def _signed(ticket: str, url: str, noncestr: str | None, timestamp: int | None) -> tuple[int, str, str]:
    """Return timestamp, noncestr and signature."""
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"url {url[:100]!r}: must be that of the page, and begin with https:// or http://")
    noncestr = noncestr or secrets.token_hex(8)
    timestamp = int(time.time()) if timestamp is None else timestamp
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    # The JS-SDK requires SHA-1.
    return timestamp, noncestr, sha1(text.encode(), usedforsecurity=False).hexdigest()
