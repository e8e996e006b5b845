"""The base class of all errors."""


class WxbusError(Exception):
    """Base class of all errors of wxbus."""
