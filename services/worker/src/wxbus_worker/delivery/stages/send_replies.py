"""What the outbox of the lane holds goes to the user."""

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.replies.outbox import Outbox


class SendReplies:
    """Finishes the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest once everything is sent."""
        await self._outbox.finish(job)
        return await call_next(job)
