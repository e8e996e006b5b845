"""What can go wrong before anything of wxbus runs; part of the tree of `wxbus.errors`."""

from wxbus.errors import WxbusError


class StartFailed(WxbusError):
    """A process or container that we started ended, or was not ready in time; the text ends with what it said last."""
