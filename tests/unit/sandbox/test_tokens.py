"""Access tokens by WeChat's rules (protocol reference 8.1)."""

import pytest

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import Family, TokenIssuer
from wxbus_sandbox.settings import Rules

APPID = "wx1"


@pytest.fixture
def clock() -> Clock:
    """Return a clock that only the test advances."""
    return Clock(lambda: 1_790_000_000.0)


@pytest.fixture
def issuer(clock: Clock) -> TokenIssuer:
    """Return an issuer with WeChat's own limits."""
    return TokenIssuer(clock, Rules())


def errcode_of(issuer: TokenIssuer, token: str) -> int:
    """Return the errcode for a token, 0 if it is valid."""
    try:
        issuer.appid_of(token)
    except ApiError as exc:
        return exc.errcode
    return 0


def test_each_classic_fetch_replaces_the_token_with_an_overlap(issuer: TokenIssuer, clock: Clock) -> None:
    """Both tokens are valid for five minutes; then the old one is 40001."""
    old, new = issuer.fetch_classic(APPID), issuer.fetch_classic(APPID)
    assert old.value != new.value
    clock.advance(299)
    assert (errcode_of(issuer, old.value), errcode_of(issuer, new.value)) == (0, 0)
    clock.advance(1)
    assert (errcode_of(issuer, old.value), errcode_of(issuer, new.value)) == (40001, 0)


def test_a_third_classic_fetch_does_not_extend_the_first_overlap(issuer: TokenIssuer, clock: Clock) -> None:
    """The overlap begins when a token is replaced."""
    first = issuer.fetch_classic(APPID)
    issuer.fetch_classic(APPID)
    clock.advance(200)
    issuer.fetch_classic(APPID)
    clock.advance(100)
    assert errcode_of(issuer, first.value) == 40001


def test_stable_fetches_return_the_same_token(issuer: TokenIssuer, clock: Clock) -> None:
    """The token stays the same, with its remaining time, until its last five minutes."""
    first = issuer.fetch_stable(APPID)
    clock.advance(6899)
    again = issuer.fetch_stable(APPID)
    assert (again.value, again.expires_in) == (first.value, 301)


def test_a_stable_token_is_renewed_before_it_expires(issuer: TokenIssuer, clock: Clock) -> None:
    """In its last five minutes both tokens are valid; then the old one is expired (42001)."""
    old = issuer.fetch_stable(APPID)
    clock.advance(6900)
    new = issuer.fetch_stable(APPID)
    assert new.value != old.value
    assert new.expires_in == 7200
    clock.advance(299)
    assert (errcode_of(issuer, old.value), errcode_of(issuer, new.value)) == (0, 0)
    clock.advance(1)
    assert (errcode_of(issuer, old.value), errcode_of(issuer, new.value)) == (42001, 0)


def test_families_are_independent(issuer: TokenIssuer) -> None:
    """A fetch of one family, even a forced one, does not change tokens of the other."""
    classic, stable = issuer.fetch_classic(APPID), issuer.fetch_stable(APPID)
    issuer.fetch_stable(APPID, force=True)
    assert errcode_of(issuer, classic.value) == 0
    stable = issuer.fetch_stable(APPID)
    issuer.fetch_classic(APPID)
    issuer.fetch_classic(APPID)
    assert errcode_of(issuer, stable.value) == 0


def test_a_forced_refresh_invalidates_the_old_token(issuer: TokenIssuer) -> None:
    """After a forced refresh the old token is invalid at once."""
    old = issuer.fetch_stable(APPID)
    new = issuer.fetch_stable(APPID, force=True)
    assert (errcode_of(issuer, old.value), errcode_of(issuer, new.value)) == (40001, 0)


def test_a_forced_refresh_within_30_seconds_changes_nothing(issuer: TokenIssuer, clock: Clock) -> None:
    """The same token is returned, and nothing is counted."""
    first = issuer.fetch_stable(APPID, force=True)
    clock.advance(29.9)
    assert issuer.fetch_stable(APPID, force=True).value == first.value
    clock.advance(0.1)
    assert issuer.fetch_stable(APPID, force=True).value != first.value


def test_forced_refreshes_are_limited_to_20_a_day(issuer: TokenIssuer, clock: Clock) -> None:
    """The 21st is 45009; normal fetches are not limited by it; the next day starts again."""
    for _ in range(20):
        issuer.fetch_stable(APPID, force=True)
        clock.advance(30)
    with pytest.raises(ApiError, match="45009"):
        issuer.fetch_stable(APPID, force=True)
    issuer.fetch_stable(APPID)
    clock.advance(86400)
    issuer.fetch_stable(APPID, force=True)


def test_fetches_have_quotas(clock: Clock) -> None:
    """45009: the daily quota of classic fetches; 45011: the quota per minute of stable ones, each per account."""
    issuer = TokenIssuer(clock, Rules(classic_per_day=2, stable_per_minute=2))
    for _ in range(2):
        issuer.fetch_classic(APPID)
        issuer.fetch_stable(APPID)
    with pytest.raises(ApiError, match="45009"):
        issuer.fetch_classic(APPID)
    with pytest.raises(ApiError, match="45011"):
        issuer.fetch_stable(APPID)
    issuer.fetch_classic("wx2")
    clock.advance(60)
    issuer.fetch_stable(APPID)


@pytest.mark.parametrize(
    ("token", "errcode"),
    [("", 41001), ("nonsense", 40014), ("91_" + "a" * 128, 40001)],
    ids=["missing", "malformed", "unknown"],
)
def test_unknown_tokens_are_rejected(issuer: TokenIssuer, token: str, errcode: int) -> None:
    """Each case has WeChat's own errcode."""
    assert errcode_of(issuer, token) == errcode


def test_a_token_identifies_its_account(issuer: TokenIssuer) -> None:
    """Calls have no appid: the token identifies the account."""
    assert issuer.appid_of(issuer.fetch_stable("wx2").value) == "wx2"


def test_tokens_can_be_invalidated(issuer: TokenIssuer) -> None:
    """All tokens of one account are 40001; the next fetch returns a new one."""
    classic, stable, other = issuer.fetch_classic(APPID), issuer.fetch_stable(APPID), issuer.fetch_stable("wx2")
    issuer.invalidate(APPID)
    assert [errcode_of(issuer, token.value) for token in (classic, stable, other)] == [40001, 40001, 0]
    assert errcode_of(issuer, issuer.fetch_stable(APPID).value) == 0


def test_one_family_can_be_invalidated(issuer: TokenIssuer) -> None:
    """The other family stays valid."""
    classic, stable = issuer.fetch_classic(APPID), issuer.fetch_stable(APPID)
    issuer.invalidate(APPID, Family.CLASSIC)
    assert (errcode_of(issuer, classic.value), errcode_of(issuer, stable.value)) == (40001, 0)


def test_a_stuck_token_needs_a_forced_refresh(issuer: TokenIssuer) -> None:
    """Normal fetches return the same invalid token."""
    dead = issuer.fetch_stable(APPID)
    issuer.invalidate(APPID, stuck=True)
    assert issuer.fetch_stable(APPID).value == dead.value
    assert errcode_of(issuer, dead.value) == 40001
    assert errcode_of(issuer, issuer.fetch_stable(APPID, force=True).value) == 0


def test_fetches_are_counted(issuer: TokenIssuer) -> None:
    """Tests of the token service use the counts."""
    issuer.fetch_classic(APPID)
    issuer.fetch_stable(APPID)
    issuer.fetch_stable(APPID)
    issuer.fetch_stable(APPID, force=True)
    counts = issuer.counts()[APPID]
    assert (counts.classic, counts.stable, counts.forced, counts.issued) == (1, 3, 1, 3)
