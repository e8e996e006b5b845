"""Errors that are handled within the credentials package."""

from wxbus.errors import WxbusError


class StaleFence(WxbusError):
    """Another instance has taken the lock; the value that this instance fetched must not be stored."""


class LimitReached(WxbusError):
    """The account has reached our limit of requests; WeChat was not asked."""

    def __init__(self, wait: float, *, limit: int, window: str) -> None:
        """`window` is "minute" or "day"."""
        super().__init__(f"this account has reached its limit of {limit} requests in a {window}")
        self.wait = wait
        self.lasting = window == "day"
