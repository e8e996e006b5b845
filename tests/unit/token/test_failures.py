"""What a failed fetch means."""

from datetime import datetime, timedelta, timezone

import pytest

from wxbus.errors import TokenRefused, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus_token.credentials.failures import failure_of
from wxbus_token.kinds import GrantMissing

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=8)))
"""In China, where WeChat's days begin."""


def refusal(errcode: int) -> WeChatError:
    """Return WeChat's answer with this code."""
    return WeChatError(errcode, "text", call="/cgi-bin/stable_token")


@pytest.mark.parametrize(
    ("errcode", "least", "most", "lasting"),
    [
        (-1, 0.5, 2, False),
        (45011, 60, 120, False),
        (45009, 600, 5000, True),
        (40001, 200, 400, True),
        (40125, 200, 400, True),
        (40164, 200, 400, True),
        (40243, 200, 400, True),
        (89503, 200, 400, True),
        (89507, 2800, 4400, True),
        (89506, 68_000, 104_000, True),
        (99999, 200, 400, True),
    ],
)
def test_the_code_decides_the_wait(errcode: int, least: float, most: float, lasting: bool) -> None:
    """The wait is short if WeChat is busy, lasts until a limit is over, and takes minutes after a refusal."""
    failure = failure_of(refusal(errcode), 0, now=NOON.timestamp())
    assert least <= failure.wait <= most
    assert failure.lasting is lasting
    error = failure.error()
    assert type(error) is (TokenRefused if lasting else TokenUnavailable)
    assert error.retry_after == failure.wait
    assert str(errcode) in str(error)


def test_the_wait_for_a_daily_quota_ends_with_the_day() -> None:
    """WeChat is asked again soon after midnight in China, and not before."""
    before_midnight = NOON.replace(hour=23, minute=52).timestamp()
    assert 480 <= failure_of(refusal(45009), 0, now=before_midnight).wait <= 600


@pytest.mark.parametrize(
    ("errcode", "state"),
    [
        (-1, "unavailable"),
        (45011, "minute_limit"),
        (45009, "quota"),
        (40013, "wrong_account"),
        (40001, "wrong_secret"),
        (40125, "wrong_secret"),
        (40243, "secret_frozen"),
        (40164, "address_not_allowed"),
        (61004, "address_not_allowed"),
        (60020, "address_not_allowed"),
        (89503, "address_not_allowed"),
        (61005, "no_ticket"),
        (61006, "no_ticket"),
        (61058, "no_ticket"),
        (61003, "reauthorize"),
        (61023, "reauthorize"),
        (42007, "reauthorize"),
        (50007, "refused"),
        (99999, "refused"),
    ],
)
def test_each_reason_has_its_own_state(errcode: int, state: str) -> None:
    """Callers get the state and the code of a failure for which waiting does not help."""
    failure = failure_of(refusal(errcode), 0)
    assert failure.state == state
    error = failure.error()
    if isinstance(error, TokenRefused):
        assert (error.state, error.errcode) == (state, errcode)


def test_a_missing_ticket_is_waited_for() -> None:
    """The next ticket comes within ten minutes: the failure is not lasting."""
    failure = failure_of(GrantMissing("no component_verify_ticket has arrived yet"), 5)
    assert failure.state == "no_ticket"
    assert not failure.lasting
    assert 400 < failure.wait < 800


def test_the_wait_grows_to_a_minute() -> None:
    """After any number of failures WeChat is asked again within about a minute."""
    waits = [failure_of(WeChatUnavailable("away"), before).wait for before in (0, 3, 6, 50, 5000)]
    assert waits[0] < 2 < waits[1] < 15 < waits[2]
    assert max(waits) <= 72


def test_a_wait_has_jitter() -> None:
    """Instances and accounts do not ask again at the same time."""
    assert len({failure_of(WeChatUnavailable("away"), 3).wait for _ in range(20)}) > 10
