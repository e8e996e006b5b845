"""Signatures of plain requests. They do not cover the body: who has seen one could send anything with it."""

from wxbus.errors import Forbidden

MOST = 50_000
"""Signatures that are remembered, about ten megabytes; the oldest go first, and go anyway with their timestamp."""


class ReplayGuard:
    """Which message each signature came with, of this process alone: what comes by two of them, workers tell apart."""

    def __init__(self, *, most: int = MOST) -> None:
        """Remember the last `most`."""
        self._most = most
        self._messages: dict[str, str] = {}

    def bind(self, signature: str, message: str) -> None:
        """Make a signature, proven to be right, good for this message only.

        Args:
            signature: That of the query.
            message: What all deliveries of one push have in common, see `wxbus.wechat.messages.identity.dedup_id`.

        Raises:
            Forbidden: It was another message's before.
        """
        if self._messages.setdefault(signature, message) != message:
            raise Forbidden("the signature is that of another message")
        if len(self._messages) > self._most:
            del self._messages[next(iter(self._messages))]
