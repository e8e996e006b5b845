"""The growing text with which a handler answers a message to a robot."""

import asyncio

from wxbus.errors import Reject
from wxbus.wechat.replies.robot import TEXT_BYTES


class RobotStream:
    """Shows a text to the member while the handler still writes it; the text ends with the handler's reply.

    @router.message(RobotTextMessage)
    async def ask(message: RobotTextMessage, stream: RobotStream) -> None:
        async for piece in model(message.content):
            stream.say(piece)
    """

    def __init__(self) -> None:
        self.text = ""
        """The whole text so far."""
        self.said = asyncio.Event()
        """There is text that is not shown yet."""
        self._loop = asyncio.get_running_loop()

    def say(self, text: str) -> None:
        """Append to the text, Markdown; `<think>` shows a part as reasoning. Any thread may call it.

        Raises:
            Reject: The text has more than 20,480 bytes in UTF-8, WeCom's limit.
        """
        whole = self.text + text
        if (size := len(whole.encode())) > TEXT_BYTES:
            raise Reject(f"the text of the robot has {size} bytes; the limit of WeCom is {TEXT_BYTES}")
        self.text = whole
        self._loop.call_soon_threadsafe(self.said.set)
