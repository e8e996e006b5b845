"""Each signature of a plain request is bound to one message."""

import pytest

from wxbus.errors import Forbidden
from wxbus_ingress.accounts.replay_guard import ReplayGuard


def test_a_signature_is_valid_for_one_message() -> None:
    """The same message is accepted again, another one is not."""
    signatures = ReplayGuard()
    for _ in range(2):
        signatures.bind("s", "message")

    with pytest.raises(Forbidden):
        signatures.bind("s", "another")


def test_the_oldest_signatures_are_dropped() -> None:
    """The number of signatures in memory is limited."""
    signatures = ReplayGuard(max_signatures=2)
    for signature in ("1", "2", "3"):
        signatures.bind(signature, "message")

    signatures.bind("1", "another")
    with pytest.raises(Forbidden):
        signatures.bind("3", "another")
