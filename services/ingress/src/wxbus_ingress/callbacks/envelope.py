"""Makes the envelope of a decrypted callback."""

from hashlib import blake2b

from wxbus.accounts.models import Account
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.telemetry import new_traceparent
from wxbus.wechat.callbacks.crypto import VerifiedCallback
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.documents.codec import document_to_json
from wxbus.wechat.messages import identity


def make_envelope(
    account: Account, opened: VerifiedCallback, query: CallbackQuery, now: float, traceparent: str = ""
) -> Envelope:
    """Return the envelope of a callback of `account`, accepted `now` (seconds since the epoch).

    `traceparent` is its trace context; "": the callback begins a trace.
    """
    document = opened.document
    if opened.customer:
        account = account.customer(opened.customer)
    return Envelope(
        id=new_id(),
        kind=EnvelopeKind.CALLBACK,
        account=account.name,
        appid=account.appid,
        openid=identity.openid_of(document),
        lane=identity.lane_of(account.appid, document),
        dedup_id=identity.dedup_id(account.appid, document),
        body=document_to_json(document),
        received_at=now,
        traceparent=traceparent or new_traceparent(),
        plain_signature=_digest(query.signature) if opened.mode is Mode.PLAIN else None,
    )


def _digest(signature: str) -> str:
    # Not the signature itself: a reader of the queue could sign another body with it until it expires.
    return blake2b(signature.encode(), digest_size=12).hexdigest()
