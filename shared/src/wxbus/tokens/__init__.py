"""Access tokens and tickets for programs that call WeChat: messages, declarations and clients of the token service."""

from wxbus.tokens.client import TokenClient

__all__ = ["TokenClient"]
