"""From a callback that was opened to the envelope that travels."""

from wxbus.accounts import Account
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.telemetry import new_traceparent
from wxbus.wechat import identity
from wxbus.wechat.codec import document_to_json
from wxbus.wechat.documents import Document


def envelope_of(account: Account, document: Document, now: float) -> Envelope:
    """Return the envelope of a document of `account`, accepted `now` (seconds since the epoch)."""
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
        traceparent=new_traceparent(),
    )
