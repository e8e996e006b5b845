"""A plain message under the signature of another one: somebody has seen that, and writes in WeChat's name."""

from wxbus.errors import Reject
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.store.ports import dedup_key_of
from wxbus_worker.store.signatures import SignatureGuard


class RefuseReplayed:
    """Raises Reject: among the dead letters an operator can tell a forgery from a chance, which is very rare."""

    def __init__(self, signatures: SignatureGuard) -> None:
        self._signatures = signatures

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest for everything else, and for what an operator has let pass."""
        signature = job.envelope.plain_signature
        if (
            signature is None
            or job.envelope.replay
            or await self._signatures.is_of(signature, dedup_key_of(job.envelope))
        ):
            return await call_next(job)
        raise Reject("its signature is that of another message, and in plain mode does not cover the body")
