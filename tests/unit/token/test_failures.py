"""What a failed fetch means."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from wxbus.errors import TokenRefused, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus_token.credentials.failures import failure_of
from wxbus_token.kinds import Missing

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=8)))
"""In China, where WeChat's day begins."""


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what ends with the day be far away, whenever the tests run."""
    stand_still(monkeypatch, NOON)


def stand_still(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    """Let the clock stand still."""
    monkeypatch.setattr("wxbus_token.credentials.failures.time", SimpleNamespace(time=at.timestamp))


def refusal(errcode: int) -> WeChatError:
    """Return an answer of WeChat's with this code."""
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
def test_the_code_decides_how_long_nobody_asks(errcode: int, least: float, most: float, lasting: bool) -> None:
    """Busy: soon; a limit: when it is over; refused: minutes at least, as WeChat says, and 40001 is a wrong secret."""
    failure = failure_of(refusal(errcode), 0)
    assert least <= failure.wait <= most
    assert failure.lasting is lasting
    error = failure.error()
    assert type(error) is (TokenRefused if lasting else TokenUnavailable)
    assert error.retry_after == failure.wait
    assert str(errcode) in str(error)


def test_a_days_quota_is_waited_for_no_longer_than_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again soon after midnight in China, and not before it.

    Found by a run at eight minutes to midnight, which expected ten minutes at least.
    """
    stand_still(monkeypatch, NOON.replace(hour=23, minute=52))
    assert 480 <= failure_of(refusal(45009), 0).wait <= 600


@pytest.mark.parametrize(
    ("errcode", "state"),
    [
        (-1, "away"),
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
def test_each_reason_is_a_state_of_its_own(errcode: int, state: str) -> None:
    """What somebody would do about it is a word; where waiting does not help callers are told it."""
    failure = failure_of(refusal(errcode), 0)
    assert failure.state == state
    error = failure.error()
    if isinstance(error, TokenRefused):
        assert (error.state, error.errcode) == (state, errcode)


def test_a_missing_ticket_is_waited_for() -> None:
    """The next one comes within ten minutes: nobody must act."""
    failure = failure_of(Missing("no component_verify_ticket has come yet"), 5)
    assert failure.state == "no_ticket"
    assert not failure.lasting
    assert 400 < failure.wait < 800


def test_the_wait_grows_to_a_minute() -> None:
    """However often WeChat was away, it is asked again within about a minute."""
    waits = [failure_of(WeChatUnavailable("away"), before).wait for before in (0, 3, 6, 50, 5000)]
    assert waits[0] < 2 < waits[1] < 15 < waits[2]
    assert max(waits) <= 72


def test_a_wait_has_jitter() -> None:
    """Instances and accounts do not come back in step."""
    assert len({failure_of(WeChatUnavailable("away"), 3).wait for _ in range(20)}) > 10
