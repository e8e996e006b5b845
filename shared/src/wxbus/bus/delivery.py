"""The base class of deliveries of received messages."""

import hashlib
from time import monotonic

from wxbus.bus import wire
from wxbus.bus.envelope import Envelope
from wxbus.bus.received import Received
from wxbus.errors import UnreadableEnvelope


class ReceivedDelivery:
    """A received message with its lane; the envelope is decoded when it is needed."""

    __slots__ = ("_envelope", "arrived", "lane", "message", "partition", "redelivered")

    def __init__(
        self, message: Received, partition: int, *, lane: str, redelivered: bool, arrived: float | None = None
    ) -> None:
        self.message = message
        self.partition = partition
        self.lane = lane
        self.redelivered = redelivered
        self.arrived = monotonic() if arrived is None else arrived
        self._envelope: Envelope | None = None

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        if self._envelope is None:
            self._envelope = wire.to_envelope(self.message)
        return self._envelope

    @property
    def key(self) -> str:
        """Return the key that all deliveries of one attempt at one message share."""
        try:
            envelope = self.envelope()
        except UnreadableEnvelope:
            return f"unreadable:{hashlib.blake2b(self.message.pack(0)[8:], digest_size=16).hexdigest()}"
        return f"{envelope.id}:{envelope.attempt}"

    @property
    def size(self) -> int:
        """Return the bytes of the body."""
        return len(self.message.body)

    def pack(self) -> bytes:
        """Return the message as bytes."""
        return self.message.pack(monotonic() - self.arrived)
