"""What the outbox of the lane holds goes to the user."""

from wxbus_worker.job import Job
from wxbus_worker.outbox import Outbox
from wxbus_worker.pipeline import Next
from wxbus_worker.settlement import Settlement


class SendReplies:
    """Finishes the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest once everything is sent."""
        await self._outbox.finish(job)
        return await call_next(job)
