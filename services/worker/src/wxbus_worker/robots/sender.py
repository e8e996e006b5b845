"""Sends replies of robots after the answer to the push: WeCom asks for them, or they are the one late answer."""

from collections.abc import Callable
from typing import Final

import structlog

from wxbus.api.calls import Repeat
from wxbus.api.client import WeChatClient
from wxbus.wechat.replies.reply import AnyReply, Markdown, Text
from wxbus.wechat.replies.robot import RESPONSE_PATH, robot_message
from wxbus_worker.store.robot_streams import RobotStreams

NO_WAY: Final = "WeCom does not ask for it any more, and the message has no response_url"

log = structlog.stdlib.get_logger(__name__)


class RobotSender:
    """Sends for all robots."""

    def __init__(self, streams: RobotStreams, client_of: Callable[[str], WeChatClient]) -> None:
        """`client_of` returns the client for an appid."""
        self._streams = streams
        self._client_of = client_of

    async def send(self, appid: str, stream_id: str, reply: AnyReply) -> None:
        """End the text that WeCom asks for, or send the late answer.

        Raises:
            ValueError: A robot cannot send it, or there is no way left.
            WeChatError: WeCom refuses, for example a second late answer.
            WeChatUnavailable: No answer of WeCom.
        """
        if isinstance(reply, Text | Markdown) and await self._streams.write(stream_id, reply.content, complete=True):
            log.debug("robot.stream_ended", stream=stream_id)
            return
        code = await self._streams.response_code(stream_id)
        if not code:
            raise ValueError(NO_WAY)
        await self._client_of(appid).call(
            "POST",
            RESPONSE_PATH,
            params={"response_code": code},
            json=robot_message(reply),
            repeat=Repeat.SEND,
            token=False,
        )
