"""Reads, replays and drops dead letters."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.commands import Basic

from wxbus.bus import wire
from wxbus.bus.amqp.connection import BrokerCall, address, connected, open_channel
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Inbox
from wxbus.bus.received import Received
from wxbus.bus.topology import Topology
from wxbus.errors import UnreadableEnvelope

PUBLISH_BUDGET = 10.0
"""Seconds for the confirm of one replayed letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A dead-lettered message; a text is empty if the message has no such header."""

    id: str
    kind: str
    account: str
    openid: str
    lane: str
    reason: str
    """`reject`, `attempts`, `unreadable`, `poison`; or a reason of RabbitMQ, for example `delivery_limit`."""
    error: str
    traceback: str
    attempts: int
    died_at: float
    """Seconds since the epoch; 0 if unknown."""
    received_at: float
    traceparent: str
    replayed: bool
    """It was a replay."""
    committed: bool
    """Its changes are committed: a replay runs no handler and sends the remaining replies."""
    body: bytes
    tag: int
    """Delivery tag."""
    envelope: Envelope | None
    """None if it is unreadable."""


class DeadLetters:
    """The queue of dead letters. A letter that is neither replayed nor dropped stays in it.

    The order is undefined: RabbitMQ mixes letters that a reader returns. Each has its time of death.
    """

    def __init__(self, channel: AbstractChannel, topology: Topology) -> None:
        """Use `open`."""
        self._channel = channel
        self._queue = topology.dead_queue.name

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, topology: Topology) -> AsyncIterator["DeadLetters"]:
        """Yield the queue; at the end of the block letters that were only read return to it.

        Raises:
            BrokerUnavailable: RabbitMQ does not answer.
        """
        async with connected(address(url, name="dead letters")) as connection:
            await declare_queue(connection, topology.dead_queue)
            yield cls(await open_channel(connection), topology)

    async def count(self) -> int:
        """Return the number of letters that can be read."""
        with BrokerCall("counting dead letters"):
            return (await self._channel.queue_declare(self._queue, passive=True)).message_count or 0

    async def read(self) -> AsyncIterator[DeadLetter]:
        """Yield each letter once; other readers do not get these letters meanwhile."""
        while True:
            with BrokerCall("reading dead letters"):
                message = await self._channel.basic_get(self._queue)
            if not isinstance(message.delivery, Basic.GetOk):
                return
            yield _letter(message)

    async def replay(self, letter: DeadLetter, inbox: Inbox) -> None:
        """Publish a letter to its user's lane again as a first attempt, and drop it here.

        If its changes are committed, no handler runs and only the remaining replies are sent. A second replay after
        a failed drop has the same id and runs once.

        Raises:
            UnreadableEnvelope: The letter has no lane.
            BrokerUnavailable: No confirm; the letter stays in the queue.
        """
        if letter.envelope is None:
            raise UnreadableEnvelope(f"dead letter {letter.id or '(no id)'} is unreadable: it can only be dropped")
        await inbox.publish(
            replace(letter.envelope.without_reply_to(), id=_replay_id(letter), attempt=1, replay=True),
            budget=PUBLISH_BUDGET,
        )
        await self.drop(letter)

    async def drop(self, letter: DeadLetter) -> None:
        """Remove a letter from the queue."""
        with BrokerCall("dropping a dead letter"):
            await self._channel.basic_ack(letter.tag)


def _replay_id(letter: DeadLetter) -> str:
    died_ms = round(letter.died_at * 1000)
    return f"{died_ms:012x}" + hashlib.blake2b(f"{letter.id}\n{died_ms}".encode(), digest_size=10).hexdigest()


def _letter(message: DeliveredMessage) -> DeadLetter:
    properties = message.header.properties
    headers: Mapping[str, Any] = properties.headers or {}
    by_broker: Mapping[str, Any] = next(iter(headers.get("x-death") or ()), {})
    try:
        envelope = wire.to_envelope(Received.of(properties, message.body))
    except UnreadableEnvelope:
        envelope = None
    return DeadLetter(
        id=properties.message_id or "",
        kind=properties.message_type or "",
        account=_text(headers.get("account")),
        openid=_text(headers.get("openid")),
        lane=_text(headers.get("lane")),
        reason=_text(headers.get("death_reason")) or _text(by_broker.get("reason")),
        error=_text(headers.get("death_error")),
        traceback=_text(headers.get("death_traceback")),
        attempts=envelope.attempt if envelope else 1,
        died_at=_died_at(headers, by_broker),
        received_at=envelope.received_at if envelope else 0,
        traceparent=_text(headers.get("traceparent")),
        replayed=headers.get("replay") is True,
        committed=bool(_text(headers.get("committed"))),
        body=message.body,
        tag=message.delivery_tag or 0,
        envelope=envelope,
    )


def _died_at(headers: Mapping[str, Any], by_broker: Mapping[str, Any]) -> float:
    match headers.get("died_at_ms"), by_broker.get("time"):
        case int(milliseconds), _:
            return milliseconds / 1000
        case _, datetime() as time:
            return time.timestamp()
        case _:
            return 0.0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
