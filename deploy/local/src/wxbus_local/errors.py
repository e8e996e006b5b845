"""Errors of the local stack."""

from wxbus.errors import WxbusError


class StartFailed(WxbusError):
    """A process or container ended, or was not ready in time. The text ends with the last lines of its output."""
