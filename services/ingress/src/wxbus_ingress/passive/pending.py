"""Callbacks that wait for a worker's answer, by the id of their envelope."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from wxbus.bus.passive_answer import PassiveAnswer

AnswerFuture: TypeAlias = "asyncio.Future[PassiveAnswer | None]"
"""Has the answer, or None if the connection to RabbitMQ was lost, and the answer with it."""


class PendingAnswers:
    """Passes answers to the callbacks that wait for them; implements `wxbus.bus.ports.PassiveAnswerHandler`."""

    def __init__(self) -> None:
        self._futures: dict[str, AnswerFuture] = {}

    @contextmanager
    def expect(self, envelope_id: str) -> Iterator[AnswerFuture]:
        """Yield the future of the answer to an envelope; an answer after the block is dropped."""
        future = self._futures[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            del self._futures[envelope_id]

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Accept an answer; only the first answer to an envelope counts."""
        self._resolve(correlation_id, answer)

    def resolve_empty(self, envelope_id: str) -> None:
        """Answer without a reply: no worker receives the envelope in time."""
        self._resolve(envelope_id, PassiveAnswer())

    def lost(self) -> None:
        """End all waiting: the channel was lost, and no answer can arrive on it."""
        for envelope_id in self._futures:
            self._resolve(envelope_id, None)

    def _resolve(self, envelope_id: str, answer: PassiveAnswer | None) -> None:
        future = self._futures.get(envelope_id)
        if future is not None and not future.done():
            future.set_result(answer)
