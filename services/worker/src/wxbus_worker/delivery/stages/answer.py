"""Ingress is answered, if it waits: from here on it may tell WeChat."""

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.replies.passive import Answerer


class Answer:
    """Answers with what is committed."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest after the answer: what goes to the user otherwise comes behind it."""
        await self._answerer.answer(job)
        return await call_next(job)
