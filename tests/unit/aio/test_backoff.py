"""Growing delays between attempts."""

from wxbus.aio.backoff import Backoff


def test_delays_double_up_to_the_longest_and_start_over_after_a_success() -> None:
    """Each delay has a jitter of up to half; `reset` starts over with the first."""
    backoff = Backoff(first=1, longest=5)

    for upper in (1, 2, 4, 5, 5):
        assert upper / 2 <= backoff.delay() <= upper
    backoff.reset()
    assert backoff.delay() <= 1
