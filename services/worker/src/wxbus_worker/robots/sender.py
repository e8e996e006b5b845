"""Sends replies of robots after the answer to the push: WeCom asks for them, or they are the one late answer."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from wxbus.api.calls import Repeat
from wxbus.api.client import WeChatClient
from wxbus.wechat.replies.reply import AnyReply, Markdown, Text
from wxbus.wechat.replies.robot import RESPONSE_PATH, robot_message
from wxbus_worker.store.robot_streams import RobotStreams

PATIENCE: Final = 5
"""Seconds for WeCom to ask for the end of a text; it asks about once a second."""
INTERVAL: Final = 0.1
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

        WeCom may not ask: the unfinished answer may not have reached it. So the end counts once WeCom has it.

        Raises:
            ValueError: A robot cannot send it, or there is no way left.
            WeChatError: WeCom refuses, for example a second late answer.
            WeChatUnavailable: No answer of WeCom.
        """
        if isinstance(reply, Text | Markdown) and await self._streams.write(stream_id, reply.content, complete=True):
            if await self._is_taken(stream_id):
                log.debug("robot.stream_ended", stream=stream_id)
                return
            log.info("robot.end_not_asked_for", stream=stream_id)
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

    async def _is_taken(self, stream_id: str) -> bool:
        """Return whether WeCom takes the end of a text."""
        while True:
            taken, seconds = await self._streams.is_taken(stream_id)
            if taken or seconds > PATIENCE:
                return taken
            await asyncio.sleep(INTERVAL)
