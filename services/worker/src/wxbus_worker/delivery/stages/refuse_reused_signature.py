"""Refuses a plain message with the signature of another one: it is forged."""

from wxbus.errors import Reject
from wxbus.wechat import Message
from wxbus_worker.delivery.job import Decoded
from wxbus_worker.store.ports import dedup_key_of
from wxbus_worker.store.signatures import SignatureGuard


class RefuseReusedSignature:
    """Rejects the message: an operator can tell a forgery from a coincidence, and may replay the dead letter."""

    def __init__(self, signatures: SignatureGuard) -> None:
        self._signatures = signatures

    async def __call__(self, decoded: Decoded, _message: Message) -> None:
        """Return for everything else, and for replays.

        Raises:
            Reject: The signature belongs to another message.
        """
        envelope = decoded.envelope
        if envelope.plain_signature is None or envelope.replay:
            return
        if not await self._signatures.is_of(envelope.plain_signature, dedup_key_of(envelope)):
            raise Reject("the signature is that of another message, and in plain mode does not cover the body")
