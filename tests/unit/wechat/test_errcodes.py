"""Error codes and their policies."""

from importlib.resources import files

import pytest

from wxbus.errcodes import ERROR_CODES, Policy, error_code
from wxbus.errors import (
    BadRequest,
    LoginRequired,
    NotPermitted,
    OutOfWindow,
    QuotaExceeded,
    RateLimited,
    ServerBusy,
    TokenInvalid,
    UserRefused,
    WeChatError,
    copy_error,
)


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
    """The policy of an errcode is that of the table (protocol reference 12)."""
    assert error_code(code).policy is policy
    assert WeChatError(code, "errmsg", call="/x").policy is policy


def test_an_unknown_code_is_not_retried() -> None:
    """An unknown code stops, because retries could use up a quota."""
    assert error_code(99999).policy is Policy.STOP
    assert error_code(99999).code == 99999


@pytest.mark.parametrize("code", [40125, 40164, 40243, 48004, 50007, 61004, 89503, 89506])
def test_codes_that_need_an_operator_alert(code: int) -> None:
    """Wrong or frozen secrets, IP addresses that are not allowed, and bans alert an operator and are not retried."""
    assert error_code(code).alert
    assert error_code(code).policy is Policy.STOP


def test_every_code_is_unique() -> None:
    """A code has one row of the table, and the rows are sorted."""
    table = files("wxbus").joinpath("errcodes.csv").read_text("utf-8").splitlines()
    codes = [int(row.partition(",")[0]) for row in table[2:]]  # after the heading and 0
    assert codes == sorted({*ERROR_CODES} - {0})


@pytest.mark.parametrize(
    ("codes", "branch"),
    [
        ((40001, 40014, 42001), TokenInvalid),
        ((-1, 43108), ServerBusy),
        ((45011, 44991, 45066), RateLimited),
        ((45009, 45029), QuotaExceeded),
        ((45015, 45047), OutOfWindow),
        ((40003, 43004, 43101, 48002), UserRefused),
        ((40029, 40163, 87009, 61023), LoginRequired),
        ((48001, 48004, 40164, 61007, 50002), NotPermitted),
        ((40035, 47001, 45002, 87014), BadRequest),
    ],
)
def test_an_errcode_has_the_class_of_its_reaction(codes: tuple[int, ...], branch: type[WeChatError]) -> None:
    """The class says what the caller does, and a copy keeps it."""
    for code in codes:
        error = WeChatError(code, "errmsg", call="/x")
        assert type(error) is branch
        assert (error.errcode, type(copy_error(error))) == (code, branch)


@pytest.mark.parametrize("code", [99999, 45065])
def test_other_codes_have_the_base_class(code: int) -> None:
    """No reaction is guessed for an unknown code."""
    assert type(WeChatError(code, "errmsg", call="/x")) is WeChatError
