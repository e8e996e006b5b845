"""The RPC service `messages`."""

from wxbus.messages.requests import Accepted, Cancelled, CancelRequest, EventRequest, SendRequest
from wxbus.messages.services import MessagesService
from wxbus_worker.intake.intake import Intake


class MessagesServicer(MessagesService):
    """Messages to users, and events about them, in the order of their lanes."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    @MessagesService.send.implementation
    async def send(self, request: SendRequest) -> Accepted:
        """Send a message to a user."""
        return await self._intake.accept(request)

    @MessagesService.event.implementation
    async def event(self, request: EventRequest) -> Accepted:
        """Post an event about a user."""
        return await self._intake.accept(request)

    @MessagesService.cancel.implementation
    async def cancel(self, request: CancelRequest) -> Cancelled:
        """Cancel a scheduled message."""
        return await self._intake.cancel(request)
