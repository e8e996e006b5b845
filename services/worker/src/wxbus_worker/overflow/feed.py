"""The overflow of one lane, as long as this worker consumes its partition.

Deliveries go to its end, and the lane gets its messages from its start. One task does both, so that no message
overtakes another.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from wxbus.bus.ports import Delivery
from wxbus.errors import BrokerUnavailable
from wxbus_worker.overflow.ports import Overflow, Tenure
from wxbus_worker.overflow.wakeups import Wakeups, is_wakeup

APPENDED: Final = 100
"""Largest number of messages of one append."""
READ: Final = 8
"""Messages that the lane gets at a time."""


class LaneFeed:
    """Moves deliveries of a lane to its overflow, and hands them over one after another."""

    def __init__(
        self,
        overflow: Overflow,
        wakeups: Wakeups,
        tenure: Tenure,
        lane: str,
        *,
        running: Delivery | None,
        waiting: Sequence[Delivery],
        hand_over: Callable[[Sequence[Delivery]], None],
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Feed a lane.

        Args:
            overflow: Keeps the messages.
            wakeups: Sends wake-up notes.
            tenure: The tenure of this worker.
            lane: Its name.
            running: The message that is being handled; it was delivered before `waiting`.
            waiting: The messages that wait, oldest first.
            hand_over: Takes messages to run.
            refused: Called when the overflow has no room.
        """
        self._refused = refused
        self._overflow = overflow
        self._wakeups = wakeups
        self._tenure = tenure
        self._lane = lane
        self._running = running
        self._arrived: deque[Delivery] = deque()
        self._notes: deque[Delivery] = deque()
        self._hand_over = hand_over
        self._note_id = tenure.lanes.get(lane, "")
        self._idle = running is None
        self._appended_running = False
        self._draining = False
        self.held_back = False
        """The overflow had no room: deliveries stay in RabbitMQ until the messages that were handed over are
        handled."""
        self._changed = asyncio.Event()
        self._length = 0
        for delivery in waiting:
            self.take(delivery)

    @property
    def length(self) -> int:
        """Return about how many messages the lane has."""
        return max(self._length, len(self._arrived))

    def take(self, delivery: Delivery) -> None:
        """Put a delivery behind the others."""
        (self._notes if is_wakeup(delivery) else self._arrived).append(delivery)
        self._changed.set()

    def job_ended(self) -> None:
        """Record that nothing runs in the lane, and that the messages that were handed over are handled."""
        self._idle = True
        self.held_back = False
        self._changed.set()

    def drain(self) -> None:
        """Hand over and append nothing more; `run` returns once nothing runs in the lane."""
        self._draining = True
        self._changed.set()

    async def run(self) -> None:
        """Return when the overflow has ended: from then on the lane gets its deliveries directly again.

        Raises:
            TenureEnded: Another worker has taken over the partition.
        """
        if not self._note_id:
            # Before the first append: without the note a crash could leave messages behind that no worker handles.
            self._note_id = await self._wakeups.begin([*self._arrived, *self._notes])
        while True:
            self._changed.clear()
            if self._idle and self._appended_running and self._running is not None:
                await self._overflow.remove(self._tenure, self._lane, self._running.key)
                self._running = None
            elif self._draining:
                if self._idle:
                    return
                await self._changed.wait()
            elif self._notes:
                await self._pass_on(self._notes.popleft())
            elif self._arrived and not self.held_back:
                await self._append()
            elif not self._idle:
                await self._changed.wait()
            elif await self._ended():
                return

    async def _append(self) -> None:
        """Append the deliveries that have arrived, and acknowledge them.

        The message that is being handled comes first: the overflow must have all of the lane, or a successor could
        handle a later message before it.
        """
        batch = [self._arrived.popleft() for _ in range(min(APPENDED, len(self._arrived)))]
        first: list[Delivery] = []
        if self._running is not None and not self._appended_running:
            if self._idle:
                self._running = None
            else:
                first.append(self._running)
        messages = [*first, *batch]
        self._length, taken = await self._overflow.append(self._tenure, self._lane, self._note_id, messages)
        if first and taken:
            self._appended_running = True
        if taken < len(messages):
            self._arrived.extendleft(reversed(messages[max(taken, len(first)) :]))
            self.held_back = True
            self._refused()
        for delivery in messages[len(first) : taken]:
            await _acknowledge(delivery)

    async def _ended(self) -> bool:
        """Hand over the oldest messages; return whether there are none, and none has arrived meanwhile.

        If the overflow has no message of the lane and no room, messages are handed over from memory. Meanwhile nothing
        is appended, because the overflow must have all of the lane or nothing.
        """
        self._length, messages = await self._overflow.read(self._tenure, self._lane, limit=READ)
        if not messages and self.held_back and not self._draining:
            messages = [self._arrived.popleft() for _ in range(min(READ, len(self._arrived)))]
        if messages and not self._draining:
            self._idle = False
            self._hand_over(messages)
        return not messages and not self._arrived and not self._notes

    async def _pass_on(self, delivery: Delivery) -> None:
        """Send a wake-up note again; notes of earlier overflows of the lane are dropped."""
        note = delivery.envelope()
        if note.id == self._note_id:
            await self._wakeups.send(note)
        await _acknowledge(delivery)


async def _acknowledge(delivery: Delivery) -> None:
    with suppress(BrokerUnavailable):  # it is redelivered, and found in the overflow
        await delivery.ack()
