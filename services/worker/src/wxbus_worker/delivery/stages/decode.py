"""Decodes a delivery into a typed message; `current_delivery` works from here on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from wxbus.accounts.file import AccountLookup
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.passive_answer import reply_id_of
from wxbus.errors import MalformedCallback, UnreadableEnvelope
from wxbus.wechat import Message, parse_message
from wxbus.wechat.documents.codec import document_from_json
from wxbus.wechat.documents.document import Document
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.delivery.job import Decoded, Job, ReplyNote, WakeupNote
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.delivery.stage import Next
from wxbus_worker.handlers.current_delivery import CURRENT, CurrentDelivery
from wxbus_worker.handlers.signal import BroadcastSent, Outgoing, Signal
from wxbus_worker.handlers.undelivered import ReplyUndelivered
from wxbus_worker.replies.passive import Caller
from wxbus_worker.store.ports import ContextKey

ABOUT_REPLIES: Final[Mapping[EnvelopeKind, type[Outgoing] | type[ReplyUndelivered]]] = {
    EnvelopeKind.SEND: Outgoing,
    EnvelopeKind.BROADCAST_SENT: BroadcastSent,
    EnvelopeKind.REPLY_UNDELIVERED: ReplyUndelivered,
}


class Decode:
    """Decodes the envelope and its content, and finds the account."""

    def __init__(self, accounts: AccountLookup, call_next: Next[Decoded]) -> None:
        self._accounts = accounts
        self._next = call_next

    async def __call__(self, job: Job) -> Settlement:
        """Run the rest with the decoded delivery.

        Raises:
            UnreadableEnvelope: Envelope or body cannot be decoded.
            UnknownAccount: The account may be new: the delivery is retried.
        """
        envelope = job.delivery.envelope()
        if job.caller is None:
            job.caller = Caller(envelope, job.delivery.arrived)
        content = _content(job, envelope)
        account = self._accounts.of(envelope.appid, via=envelope.account)
        current = CurrentDelivery(
            id=envelope.id,
            attempt=job.attempt,
            account=account.name,
            appid=envelope.appid,
            openid=envelope.openid,
            lane=envelope.lane,
            received_at=envelope.received_at,
            redelivered=job.delivery.redelivered,
            replay=envelope.replay,
            traceparent=envelope.traceparent,
        )
        job.decoded = Decoded(job, envelope, account, ContextKey.of(envelope), content, current)
        token = CURRENT.set(current)
        try:
            return await self._next(job.decoded)
        finally:
            CURRENT.reset(token)


def _content(job: Job, envelope: Envelope) -> Message | ReplyNote | WakeupNote:
    match envelope.kind:
        case EnvelopeKind.CALLBACK:
            job.document = _document(envelope.body)
            message = parse_message(job.document)
            if secret := job.document.pop("response_url", ""):  # the context keeps the document
                job.private = {"response_url": secret}
            return message
        case EnvelopeKind.CONTEXT_EXPIRED:
            return ContextExpired.of(envelope)
        case EnvelopeKind.SIGNAL:
            signal = Signal.of(envelope)
            job.private = signal.data
            return signal
        case EnvelopeKind.SEND | EnvelopeKind.REPLY_UNDELIVERED | EnvelopeKind.BROADCAST_SENT:
            about = ABOUT_REPLIES[envelope.kind].of(envelope)
            job.private = {name: value for name, value in asdict(about.reply).items() if name != "kind"}
            return about
        case EnvelopeKind.DELIVERED_PASSIVELY | EnvelopeKind.REPLY_DEADLINE_PASSED:
            delivered = envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY
            return ReplyNote(reply_id_of(envelope), delivered=delivered)
        case EnvelopeKind.LANE_OVERFLOWS:
            return WakeupNote()


def _document(body: bytes) -> Document:
    try:
        return document_from_json(body)
    except MalformedCallback as exc:
        raise UnreadableEnvelope(f"the body is not a document: {exc}") from exc
