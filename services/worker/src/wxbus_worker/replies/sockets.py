"""Stores replies over WebSocket: pushes in the push logs of users, and changes of groups. Gateways deliver them."""

import asyncio
import json
from typing import Final, Protocol

from wxbus.sockets.groups import Groups
from wxbus.sockets.pushes import PushLog
from wxbus.wechat.replies.sockets import JoinGroup, LeaveGroup, Push, SocketReply

AT_ONCE: Final = 100
"""Pushes of a group that are stored at the same time."""


class SocketSender(Protocol):
    """Stores replies over WebSocket; a repeated reply with the same id has no second effect."""

    async def send(self, appid: str, openid: str, reply: SocketReply, *, message_id: str) -> None:
        """Return when the reply is stored.

        Raises:
            StoreUnavailable: It may be stored.
        """
        ...


class RedisSockets:
    """Stores pushes and groups where gateways read them (implements SocketSender)."""

    def __init__(self, log: PushLog, groups: Groups) -> None:
        self._log = log
        self._groups = groups

    async def send(self, appid: str, openid: str, reply: SocketReply, *, message_id: str) -> None:
        """Store a reply (see SocketSender)."""
        match reply:
            case JoinGroup():
                await self._groups.join(appid, reply.group, openid)
            case LeaveGroup():
                await self._groups.leave(appid, reply.group, openid)
            case Push():
                receivers = [openid] if reply.to_group is None else await self._groups.members(appid, reply.to_group)
                body = json.dumps({"name": reply.name, "body": reply.body}, ensure_ascii=False).encode()
                for start in range(0, len(receivers), AT_ONCE):
                    some = receivers[start : start + AT_ONCE]
                    pushes = (self._log.append(appid, receiver, body, push_id=message_id) for receiver in some)
                    await asyncio.gather(*pushes)
