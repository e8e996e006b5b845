"""Access tokens by WeChat's rules (protocol reference 8.1)."""

import pytest

from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.tokens import Family, TokenMint
from wxbus_sandbox.settings import Rules

APPID = "wx1"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is put forward."""
    return Clock(lambda: 1_790_000_000.0)


@pytest.fixture
def mint(clock: Clock) -> TokenMint:
    """A mint with WeChat's own numbers."""
    return TokenMint(clock, Rules())


def refusal(mint: TokenMint, token: str) -> int:
    """The errcode a token is refused with, 0 if it is good."""
    try:
        mint.appid_of(token)
    except Refusal as refused:
        return refused.errcode
    return 0


def test_each_classic_fetch_replaces_the_token_with_an_overlap(mint: TokenMint, clock: Clock) -> None:
    """Old and new both work for five minutes; then the old one is no longer the latest (40001)."""
    old, new = mint.fetch_classic(APPID), mint.fetch_classic(APPID)
    assert old.value != new.value
    clock.advance(299)
    assert (refusal(mint, old.value), refusal(mint, new.value)) == (0, 0)
    clock.advance(1)
    assert (refusal(mint, old.value), refusal(mint, new.value)) == (40001, 0)


def test_a_third_classic_fetch_does_not_lengthen_the_first_overlap(mint: TokenMint, clock: Clock) -> None:
    """Each token's five minutes begin when it was replaced."""
    first = mint.fetch_classic(APPID)
    mint.fetch_classic(APPID)
    clock.advance(200)
    mint.fetch_classic(APPID)
    clock.advance(100)
    assert refusal(mint, first.value) == 40001


def test_stable_fetches_give_the_same_token_with_the_time_it_has_left(mint: TokenMint, clock: Clock) -> None:
    """No new token before the last five minutes."""
    first = mint.fetch_stable(APPID)
    clock.advance(6899)
    again = mint.fetch_stable(APPID)
    assert (again.value, again.expires_in) == (first.value, 301)


def test_a_stable_token_near_its_end_is_renewed_and_lives_on_beside_the_new_one(mint: TokenMint, clock: Clock) -> None:
    """In the last five minutes both work; at its end the old one is expired (42001)."""
    old = mint.fetch_stable(APPID)
    clock.advance(6900)
    new = mint.fetch_stable(APPID)
    assert new.value != old.value
    assert new.expires_in == 7200
    clock.advance(299)
    assert (refusal(mint, old.value), refusal(mint, new.value)) == (0, 0)
    clock.advance(1)
    assert (refusal(mint, old.value), refusal(mint, new.value)) == (42001, 0)


def test_the_families_do_not_touch_each_other(mint: TokenMint) -> None:
    """A fetch of one kind, even forced, leaves tokens of the other kind alone."""
    classic, stable = mint.fetch_classic(APPID), mint.fetch_stable(APPID)
    mint.fetch_stable(APPID, force=True)
    assert refusal(mint, classic.value) == 0
    stable = mint.fetch_stable(APPID)
    mint.fetch_classic(APPID)
    mint.fetch_classic(APPID)
    assert refusal(mint, stable.value) == 0


def test_a_forced_refresh_kills_the_token_before_at_once(mint: TokenMint) -> None:
    """No overlap: whoever has the old one is refused from that moment on."""
    old = mint.fetch_stable(APPID)
    new = mint.fetch_stable(APPID, force=True)
    assert (refusal(mint, old.value), refusal(mint, new.value)) == (40001, 0)


def test_forcing_again_within_30_seconds_changes_nothing(mint: TokenMint, clock: Clock) -> None:
    """The same token comes again, and nothing is counted."""
    first = mint.fetch_stable(APPID, force=True)
    clock.advance(29.9)
    assert mint.fetch_stable(APPID, force=True).value == first.value
    clock.advance(0.1)
    assert mint.fetch_stable(APPID, force=True).value != first.value


def test_forcing_is_limited_to_20_times_a_day(mint: TokenMint, clock: Clock) -> None:
    """The 21st is refused (45009), normal fetches are not; the next day it may be forced again."""
    for _ in range(20):
        mint.fetch_stable(APPID, force=True)
        clock.advance(30)
    with pytest.raises(Refusal, match="45009"):
        mint.fetch_stable(APPID, force=True)
    mint.fetch_stable(APPID)
    clock.advance(86400)
    mint.fetch_stable(APPID, force=True)


def test_quotas(clock: Clock) -> None:
    """Classic fetches have a daily quota (45009), stable ones a quota by the minute (45011), each for every account."""
    mint = TokenMint(clock, Rules(classic_per_day=2, stable_per_minute=2))
    for _ in range(2):
        mint.fetch_classic(APPID)
        mint.fetch_stable(APPID)
    with pytest.raises(Refusal, match="45009"):
        mint.fetch_classic(APPID)
    with pytest.raises(Refusal, match="45011"):
        mint.fetch_stable(APPID)
    mint.fetch_classic("wx2")
    clock.advance(60)
    mint.fetch_stable(APPID)


@pytest.mark.parametrize(
    ("token", "errcode"),
    [("", 41001), ("nonsense", 40014), ("91_" + "a" * 128, 40001)],
    ids=["missing", "misshapen", "never made"],
)
def test_what_is_no_token_of_ours_is_refused(mint: TokenMint, token: str, errcode: int) -> None:
    """Each with WeChat's own code."""
    assert refusal(mint, token) == errcode


def test_a_token_names_its_account(mint: TokenMint) -> None:
    """Calls have no appid: the token decides for whom they are made."""
    assert mint.appid_of(mint.fetch_stable("wx2").value) == "wx2"


def test_tokens_can_be_made_invalid_before_their_time(mint: TokenMint) -> None:
    """All of one account's are refused (40001); a normal fetch gives a new one; other accounts are left alone."""
    classic, stable, other = mint.fetch_classic(APPID), mint.fetch_stable(APPID), mint.fetch_stable("wx2")
    mint.invalidate(APPID)
    assert [refusal(mint, token.value) for token in (classic, stable, other)] == [40001, 40001, 0]
    assert refusal(mint, mint.fetch_stable(APPID).value) == 0


def test_only_one_family_can_be_made_invalid(mint: TokenMint) -> None:
    """The other goes on."""
    classic, stable = mint.fetch_classic(APPID), mint.fetch_stable(APPID)
    mint.invalidate(APPID, Family.CLASSIC)
    assert (refusal(mint, classic.value), refusal(mint, stable.value)) == (40001, 0)


def test_a_stuck_token_goes_only_by_force(mint: TokenMint) -> None:
    """The case that force_refresh exists for: normal fetches give the same dead token."""
    dead = mint.fetch_stable(APPID)
    mint.invalidate(APPID, stuck=True)
    assert mint.fetch_stable(APPID).value == dead.value
    assert refusal(mint, dead.value) == 40001
    assert refusal(mint, mint.fetch_stable(APPID, force=True).value) == 0


def test_fetches_are_counted(mint: TokenMint) -> None:
    """Tests of the token service read from this whether there was one refresher."""
    mint.fetch_classic(APPID)
    mint.fetch_stable(APPID)
    mint.fetch_stable(APPID)
    mint.fetch_stable(APPID, force=True)
    counts = mint.counts()[APPID]
    assert (counts.classic, counts.stable, counts.forced, counts.issued) == (1, 3, 1, 3)
