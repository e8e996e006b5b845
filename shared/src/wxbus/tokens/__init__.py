"""Access tokens and tickets for programs that call WeChat: messages, declarations and clients of the token service."""

from wxbus.tokens.client import TokenClient
from wxbus.tokens.wechat import WeChat

__all__ = ["TokenClient", "WeChat"]
