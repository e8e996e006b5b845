"""The health probe of WeChat's cloud hosting (protocol reference 1.7)."""

from typing import Final

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.codec import parse

MAX_BYTES: Final = 256
"""The probe has fewer than a hundred, and most callbacks have more."""
PROBE: Final = {"action": "CheckContainerPath"}


def is_probe(body: bytes) -> bool:
    """Return whether a body is exactly the probe, which is not signed."""
    if len(body) > MAX_BYTES:
        return False
    try:
        return parse(body) == PROBE
    except MalformedCallback:
        return False
