"""Replies over the WebSocket of a Mini Program: pushes, and membership in groups."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from wxbus.wechat.replies.fields import reply_class

PushName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]
GroupName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


@reply_class
class Push:
    """A push to the user's Mini Program; it waits, in order, while the user is not connected."""

    name: PushName
    body: Mapping[str, Any] = Field(default_factory=dict)
    """JSON values."""
    to_group: GroupName | None = None
    """Push it to all users of this group instead."""
    kind: Literal["push"] = Field(default="push", kw_only=True)


@reply_class
class JoinGroup:
    """Add the user to a group."""

    group: GroupName
    kind: Literal["join_group"] = Field(default="join_group", kw_only=True)


@reply_class
class LeaveGroup:
    """Remove the user from a group."""

    group: GroupName
    kind: Literal["leave_group"] = Field(default="leave_group", kw_only=True)


SocketReply: TypeAlias = Push | JoinGroup | LeaveGroup
"""Replies of this module."""
