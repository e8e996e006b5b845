"""Access tokens and tickets for programs that call WeChat: the token service's messages and client."""

from wxbus.tokens.client import TokenClient

__all__ = ["TokenClient"]
