"""Sample envelopes."""

import time
from typing import Any

from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id


def an_envelope(number: int = 0, *, openid: str | None = "o_1", **fields: Any) -> Envelope:
    """Return a callback of user `openid` with `number` as body."""
    return Envelope(
        **{
            "id": new_id(),
            "kind": EnvelopeKind.CALLBACK,
            "account": "shop",
            "appid": "wx1",
            "openid": openid,
            "lane": f"wx1:{openid}",
            "dedup_id": f"wx1:m:{openid}:{number}",
            "body": str(number).encode(),
            "received_at": round(time.time(), 3),  # as it travels
            "traceparent": f"00-{number:032x}-{1:016x}-01",
            **fields,
        }
    )
