"""A client of the HTTP API of WeChat."""

from wxbus.api.client import WeChatClient
from wxbus.api.http import WeChatHttp
from wxbus.api.tokens import TokenSource

__all__ = ["TokenSource", "WeChatClient", "WeChatHttp"]
