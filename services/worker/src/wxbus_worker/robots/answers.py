"""Answers messages to robots in time, and WeCom's polls for the rest of a text (WeCom reference 8.4).

WeCom waits five seconds for an answer. If the handler is not done by then, or has said something, the answer is an
unfinished text under the id of the message; WeCom then polls for the rest, which any worker answers.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.wechat import RobotEvent, RobotMessage, RobotStreamPoll
from wxbus.wechat.replies.robot import response_code_of, stream_answer
from wxbus_worker.handlers.robot_stream import RobotStream
from wxbus_worker.replies.passive import Answerer, Caller
from wxbus_worker.store.robot_streams import RobotStreams

MARGIN: Final = 1.0
"""Seconds before ingress's deadline at which an unfinished text is the answer."""
INTERVAL: Final = 0.25
"""Seconds between two writes of a growing text; WeCom polls about once a second."""

log = structlog.stdlib.get_logger(__name__)


class RobotAnswers:
    """Answers for all robots."""

    def __init__(self, streams: RobotStreams, answerer: Answerer) -> None:
        self._streams = streams
        self._answerer = answerer

    async def begin(self, message: RobotMessage | RobotEvent, stream_id: str, caller: Caller | None) -> None:
        """Begin the answer to a message: from here on a late reply can reach the member."""
        code = response_code_of(message.response_url)
        polled = await self._streams.begin(stream_id, response_code=code)
        if polled and caller is not None:  # an earlier attempt has answered; WeCom polls
            caller.answered = True

    @asynccontextmanager
    async def showing(self, stream: RobotStream, stream_id: str, caller: Caller | None) -> AsyncIterator[None]:
        """Show the growing text of the stream during the block."""
        starting: list[asyncio.Task[None]] = []

        async def show() -> None:
            left = 0.0 if caller is None else max(0.0, caller.seconds_left - MARGIN)
            if left:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await stream.said.wait()
                starting.append(asyncio.create_task(self._start(stream, stream_id, caller)))
                await asyncio.shield(starting[0])
            while True:
                await stream.said.wait()
                stream.said.clear()
                await self._streams.write(stream_id, stream.text)
                await asyncio.sleep(INTERVAL)

        task = asyncio.create_task(show())
        try:
            yield
        except asyncio.CancelledError:
            for one in starting:  # it may wait for Redis
                one.cancel()
            raise
        finally:
            task.cancel()
            await asyncio.wait({task, *starting})

    async def poll(self, poll: RobotStreamPoll, caller: Caller | None) -> None:
        """Answer a poll with the text so far; an unknown text is answered as finished."""
        if caller is None or caller.seconds_left <= 0:
            return
        found = await self._streams.read(poll.id)
        text, finished = ("", True) if found is None else (found.text, found.finished)
        await self._answerer.answer_with(caller, PassiveAnswer(stream_answer(poll.id, text, finished=finished)))

    async def _start(self, stream: RobotStream, stream_id: str, caller: Caller | None) -> None:
        """Answer with the text so far, and let WeCom poll for the rest."""
        if caller is None or caller.seconds_left <= 0:
            return
        text = stream.text
        if await self._streams.write(stream_id, text, polled=True):
            await self._answerer.answer_with(caller, PassiveAnswer(stream_answer(stream_id, text, finished=False)))
            log.debug("robot.stream_started", stream=stream_id)
