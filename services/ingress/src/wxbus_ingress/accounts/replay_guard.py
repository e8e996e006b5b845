"""Binds the signature of a plain request to its message: a plain signature does not cover the body."""

from wxbus.errors import Forbidden

MAX_SIGNATURES = 50_000
"""Signatures in memory, about ten megabytes; the oldest are dropped first, and expire with their timestamp."""


class ReplayGuard:
    """Maps signatures to messages, in this process; workers detect one message with two signatures."""

    def __init__(self, *, max_signatures: int = MAX_SIGNATURES) -> None:
        self._max_signatures = max_signatures
        self._messages: dict[str, str] = {}

    def bind(self, signature: str, message: str) -> None:
        """Accept a verified signature for this message only.

        Args:
            signature: The signature in the query.
            message: The id that all deliveries of one push share, see `wxbus.wechat.messages.identity.dedup_id`.

        Raises:
            Forbidden: The signature belongs to another message.
        """
        if self._messages.setdefault(signature, message) != message:
            raise Forbidden("the signature belongs to another message")
        if len(self._messages) > self._max_signatures:
            del self._messages[next(iter(self._messages))]
