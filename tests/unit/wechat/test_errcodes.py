"""Error codes and their policies."""

import pytest

from wxbus.errcodes import ERROR_CODES, Policy, error_code
from wxbus.errors import WeChatError


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        (0, Policy.OK),
        (-1, Policy.BACKOFF),
        (40001, Policy.REFRESH),
        (40014, Policy.REFRESH),
        (42001, Policy.REFRESH),
        (40003, Policy.DROP),
        (45015, Policy.DROP),
        (45047, Policy.DROP),
        (43101, Policy.DROP),
        (43108, Policy.BACKOFF),
        (45009, Policy.WAIT),
        (45011, Policy.WAIT),
        (45065, Policy.OK),
        (45081, Policy.IGNORE),
        (40125, Policy.STOP),
        (40164, Policy.STOP),
        (61023, Policy.REAUTH),
        (87009, Policy.RELOGIN),
    ],
)
def test_policies(code: int, policy: Policy) -> None:
    """What to do about a code is what the table says (protocol reference 12)."""
    assert error_code(code).policy is policy
    assert WeChatError(code, "errmsg", call="/x").policy is policy


def test_unknown_code_is_never_repeated() -> None:
    """A code that nobody told us about stops: repeating could burn a quota."""
    assert error_code(99999).policy is Policy.STOP
    assert error_code(99999).code == 99999


@pytest.mark.parametrize("code", [40125, 40164, 40243, 48004, 50007, 61004, 89503, 89506])
def test_what_only_a_person_can_heal_wakes_one(code: int) -> None:
    """Wrong or frozen secrets, addresses that are not allowed and bans alert somebody and are never repeated."""
    assert error_code(code).alert
    assert error_code(code).policy is Policy.STOP


def test_no_code_is_entered_twice() -> None:
    """A second entry would silently replace the first."""
    from wxbus import errcodes

    assert len(errcodes._TABLE) == len(ERROR_CODES)
