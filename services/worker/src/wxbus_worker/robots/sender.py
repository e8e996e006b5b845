"""Sends replies of robots after the answer to the push: in a text for which WeCom polls, or as the one late answer."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from wxbus.api.calls import Repeat
from wxbus.api.client import WeChatClient
from wxbus.wechat.replies.reply import AnyReply, Markdown, Text
from wxbus.wechat.replies.robot import RESPONSE_PATH, robot_message
from wxbus_worker.store.robot_streams import RobotStreams

FETCH_TIMEOUT: Final = 5
"""Seconds to wait until WeCom fetches a complete text; it polls about once a second."""
INTERVAL: Final = 0.1
UNREACHABLE: Final = "WeCom does not poll for it any more, and the message has no response_url"

log = structlog.stdlib.get_logger(__name__)


class RobotSender:
    """Sends for all robots."""

    def __init__(self, streams: RobotStreams, client_of: Callable[[str], WeChatClient]) -> None:
        """`client_of` returns the client for an appid."""
        self._streams = streams
        self._client_of = client_of

    async def send(self, appid: str, stream_id: str, reply: AnyReply) -> None:
        """Complete the text for which WeCom polls, or send the late answer.

        WeCom may not poll: the unfinished answer may not have reached it. So the text counts as sent once WeCom has
        fetched it.

        Raises:
            ValueError: A robot cannot send it, or WeCom accepts no answer any more.
            WeChatError: WeCom refuses, for example a second late answer.
            WeChatUnavailable: WeCom does not answer.
        """
        if isinstance(reply, Text | Markdown) and await self._streams.write(stream_id, reply.content, complete=True):
            if await self._is_fetched(stream_id):
                log.debug("robot.stream_ended", stream=stream_id)
                return
            log.info("robot.text_not_fetched", stream=stream_id)
        code = await self._streams.response_code(stream_id)
        if not code:
            raise ValueError(UNREACHABLE)
        await self._client_of(appid).call(
            "POST",
            RESPONSE_PATH,
            params={"response_code": code},
            json=robot_message(reply),
            repeat=Repeat.SEND,
            token=False,
        )

    async def _is_fetched(self, stream_id: str) -> bool:
        """Return whether WeCom fetches the complete text in time."""
        while True:
            fetched, seconds = await self._streams.is_fetched(stream_id)
            if fetched or seconds > FETCH_TIMEOUT:
                return fetched
            await asyncio.sleep(INTERVAL)
