"""Handles the note about a reply that WeChat did not take."""

from wxbus_worker.delivery.job import Decoded
from wxbus_worker.delivery.settlement import Settlement, ToDeadLetters
from wxbus_worker.delivery.stages.handle_message import HandleMessage
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.undelivered import ReplyUndelivered


class HandleUndelivered:
    """Corrects the context and calls the `on_undelivered` handlers; without them the reply becomes a dead letter."""

    def __init__(self, routes: RouteTable, handle: HandleMessage) -> None:
        self._routes = routes
        self._handle = handle

    async def __call__(self, decoded: Decoded, note: ReplyUndelivered) -> Settlement:
        """Handle a note; the replay of a dead letter calls handlers that were added since, or sends the reply again."""
        settlement = await self._handle(decoded, note)
        seen = note.instead is not None or self._routes.handles(note) or decoded.envelope.replay
        if seen:
            return settlement
        decoded.job.sending = None  # a replay must not end after the search for replies that are left
        return ToDeadLetters("undelivered", note.error)
