"""Signatures of plain requests, bound to one message each."""

import pytest

from wxbus.errors import Forbidden
from wxbus_ingress.accounts.replay_guard import ReplayGuard


def test_a_signature_is_good_for_one_message() -> None:
    """The same message may come again, another one may not."""
    signatures = ReplayGuard()
    for _ in range(2):
        signatures.bind("s", "message")

    with pytest.raises(Forbidden):
        signatures.bind("s", "another")


def test_only_so_many_are_remembered() -> None:
    """Memory stays flat; the oldest is forgotten first."""
    signatures = ReplayGuard(max_signatures=2)
    for signature in ("1", "2", "3"):
        signatures.bind(signature, "message")

    signatures.bind("1", "another")
    with pytest.raises(Forbidden):
        signatures.bind("3", "another")
