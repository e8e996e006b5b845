"""The probe of WeChat's cloud hosting: is there anybody? (protocol reference 1.7)."""

from typing import Final

from wxbus.errors import MalformedCallback
from wxbus.wechat.documents.codec import parse

LONGEST: Final = 256
"""Bytes; it has fewer than a hundred, and most callbacks have more."""
PROBE: Final = {"action": "CheckContainerPath"}


def is_probe(body: bytes) -> bool:
    """Return whether a body is the probe and nothing else; nobody signs it."""
    if len(body) > LONGEST:
        return False
    try:
        return parse(body) == PROBE
    except MalformedCallback:
        return False
