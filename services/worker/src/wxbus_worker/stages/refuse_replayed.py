"""A plain message under the signature of another one: somebody has seen that, and writes in WeChat's name."""

from wxbus.errors import Reject
from wxbus_worker.context_store import marker_of
from wxbus_worker.job import Job
from wxbus_worker.pipeline import Next
from wxbus_worker.plain_signatures import PlainSignatures
from wxbus_worker.settlement import Settlement


class RefuseReplayed:
    """Raises Reject: among the dead letters an operator can tell a forgery from a chance, which is very rare."""

    def __init__(self, signatures: PlainSignatures) -> None:
        self._signatures = signatures

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for everything else, and for what an operator has let pass."""
        signature = job.envelope.plain_signature
        if signature is None or job.envelope.replay or await self._signatures.is_of(signature, marker_of(job.envelope)):
            return await call_next(job)
        raise Reject("its signature is that of another message, and in plain mode does not cover the body")
