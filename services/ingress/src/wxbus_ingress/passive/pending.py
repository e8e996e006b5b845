"""Callbacks that wait for a worker's answer, each under the id of its envelope."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from wxbus.bus.passive_answer import PassiveAnswer

Awaited: TypeAlias = "asyncio.Future[PassiveAnswer | None]"
"""Ends with the answer; with None if none can come any more, as the connection to RabbitMQ is lost."""


class PendingAnswers:
    """Hands answers to those who wait; implements `wxbus.bus.ports.PassiveAnswerHandler`."""

    def __init__(self) -> None:
        self._awaited: dict[str, Awaited] = {}

    @contextmanager
    def expect(self, envelope_id: str) -> Iterator[Awaited]:
        """Yield what ends with the answer to an envelope; what comes after the block is too late."""
        awaited = self._awaited[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            yield awaited
        finally:
            del self._awaited[envelope_id]

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Take an answer; of two to the same envelope, of workers that both had it, the first one."""
        self._end(correlation_id, answer)

    def unheard(self, envelope_id: str) -> None:
        """No worker gets the envelope in time: its answer is that there is none."""
        self._end(envelope_id, PassiveAnswer())

    def lost(self) -> None:
        """The channel is gone, and with it all answers to what was published on it."""
        for envelope_id in self._awaited:
            self._end(envelope_id, None)

    def _end(self, envelope_id: str, answer: PassiveAnswer | None) -> None:
        awaited = self._awaited.get(envelope_id)
        if awaited is not None and not awaited.done():
            awaited.set_result(answer)
