"""Requests that handlers make with their `Bus`, in memory."""

from wxbus.messages.requests import Accepted, Cancelled, CancelRequest, EventRequest, SendRequest


class RecordingRequests:
    """Records requests (implements `wxbus.messages.bus.Submit`)."""

    def __init__(self) -> None:
        self.posted: list[SendRequest | EventRequest] = []
        """Messages and events, oldest first; of several with the same id only the first."""

    async def accept(self, request: SendRequest | EventRequest) -> Accepted:
        """Append the request to `posted`, unless its id is known for the user."""
        if not self._find(request.openid, request.id):
            self.posted.append(request)
        return Accepted(id=request.id, scheduled=request.send_at is not None)

    async def cancel(self, request: CancelRequest) -> Cancelled:
        """Remove a scheduled request from `posted`."""
        found = [one for one in self._find(request.openid, request.id) if one.send_at is not None]
        for one in found:
            self.posted.remove(one)
        return Cancelled(cancelled=bool(found))

    def _find(self, openid: str, message_id: str) -> list[SendRequest | EventRequest]:
        return [one for one in self.posted if (one.openid, one.id) == (openid, message_id)]
