"""From the delivery's bytes to the message, typed; `current_delivery` works from here on."""

from wxbus.accounts.file import KnownAccounts
from wxbus.bus.envelope import EnvelopeKind
from wxbus.bus.passive_answer import reply_id_of
from wxbus.errors import MalformedCallback, UnreadableEnvelope
from wxbus.wechat import parse_message
from wxbus.wechat.documents.codec import document_from_json
from wxbus.wechat.documents.document import Document
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.handlers.current_delivery import CURRENT, CurrentDelivery


class Decode:
    """Reads the envelope, its document and message, and finds the account."""

    def __init__(self, accounts: KnownAccounts) -> None:
        self._accounts = accounts

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest with the message; an account that is unknown (not yet?) is tried again later."""
        envelope = job.envelope = job.delivery.envelope()
        match envelope.kind:
            case EnvelopeKind.CALLBACK:
                job.document = _document(envelope.body)
                job.message = parse_message(job.document)
            case EnvelopeKind.CONTEXT_EXPIRED:
                job.message = ContextExpired.of(envelope)
            case EnvelopeKind.DELIVERED_PASSIVELY | EnvelopeKind.REPLY_DEADLINE_PASSED:
                job.reply_id = reply_id_of(envelope)
        job.account = self._accounts.of(envelope.appid, via=envelope.account)
        token = CURRENT.set(
            CurrentDelivery(
                id=envelope.id,
                attempt=job.attempt,
                account=job.account.name,
                appid=envelope.appid,
                openid=envelope.openid,
                lane=envelope.lane,
                received_at=envelope.received_at,
                redelivered=job.delivery.redelivered,
                replay=envelope.replay,
                traceparent=envelope.traceparent,
            )
        )
        try:
            return await call_next(job)
        finally:
            CURRENT.reset(token)


def _document(body: bytes) -> Document:
    try:
        return document_from_json(body)
    except MalformedCallback as exc:
        raise UnreadableEnvelope(f"its body is no document: {exc}") from exc
