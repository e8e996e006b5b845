"""Test vectors from WeChat's documentation and samples (protocol reference 3)."""

import json
from pathlib import Path
from typing import Any

import pytest

from wxbus.wechat.callbacks.keys import CallbackKey

_ALL: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))

SIGNATURES = [pytest.param(vector, id=vector["id"]) for vector in _ALL["signature"]]
ENVELOPES = [pytest.param(vector, id=vector["id"]) for vector in _ALL["aes"]]


def vector(name: str) -> dict[str, Any]:
    """Return one vector by its id."""
    return next(vector for vectors in _ALL.values() for vector in vectors if vector["id"] == name)


def key_of(vector: dict[str, Any]) -> CallbackKey:
    """Return the token and AES key of a vector."""
    return CallbackKey(token=vector["token"], aes_key=vector["encoding_aes_key"])
