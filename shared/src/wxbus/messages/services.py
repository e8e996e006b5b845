"""Declaration of the service `messages`, which workers serve."""

from abc import ABC, abstractmethod

from wxbus.messages.requests import Accepted, Cancelled, CancelRequest, EventRequest, SendRequest
from wxbus.rpc import method, service


@service("messages")
class MessagesService(ABC):
    """Messages to users, and events about them, in the order of their lanes."""

    @method(SendRequest, scopes=["messages:send:{account}"])
    @abstractmethod
    async def send(self, request: SendRequest) -> Accepted:
        """Send a message to a user, after the messages that are in the user's lane now, or at `send_at`."""

    @method(EventRequest, scopes=["messages:event:{account}"])
    @abstractmethod
    async def event(self, request: EventRequest) -> Accepted:
        """Post an event about a user, which the handler of the signal gets in the user's lane."""

    @method(CancelRequest, scopes=["messages:cancel:{account}"])
    @abstractmethod
    async def cancel(self, request: CancelRequest) -> Cancelled:
        """Cancel a scheduled message."""
