"""The value that an instance of the token service has in memory: how old it may be."""

from typing import cast

import pytest

from tests.support.clock import Clock
from wxbus.api.credentials import FetchedToken
from wxbus_token.credentials.cache import CachedValue, CredentialCache
from wxbus_token.credentials.fetcher import Fetched
from wxbus_token.credentials.storage.record import Record
from wxbus_token.credentials.storage.store import CredentialStore
from wxbus_token.kinds import Credential, digest_of

LIFETIME = 7200.0
UNCONFIRMED = 3.0
"""Seconds for which a value counts as fresh."""
RECORD = Record(digest=digest_of("token"), expires_in=LIFETIME)


class Decrypting:
    """A store whose records all hold the same value."""

    def decrypt(self, _credential: Credential, _record: Record) -> str:
        """Return the value."""
        return "token"


@pytest.fixture
def clock() -> Clock:
    """The process's clock."""
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> CredentialCache:
    """A cache that has read the record once."""
    cache = CredentialCache(cast("CredentialStore", Decrypting()), max_unconfirmed=UNCONFIRMED, clock=clock)
    update(cache)
    assert fresh(cache) == "token"
    return cache


def update(cache: CredentialCache, record: Record = RECORD, *, pause: tuple[Clock, float] | None = None) -> None:
    """Read the record, with a pause of the process between question and answer."""
    reading = cache.reading()
    if pause is not None:
        clock, seconds = pause
        clock.now += seconds
    cache.update(cast("Credential", None), record, reading)


def fresh(cache: CredentialCache) -> str | None:
    """Return what callers get without a question to Redis."""
    found: CachedValue | None = cache.fresh()
    return None if found is None else found.value


def test_an_answer_confirms_a_value_from_the_question_on(cache: CredentialCache, clock: Clock) -> None:
    """A process that was frozen before it read the answer does not serve a value that may have been replaced."""
    reading = cache.reading()
    clock.now += UNCONFIRMED - 0.5
    cache.confirm(reading)
    assert fresh(cache) == "token"
    clock.now += 1
    assert fresh(cache) is None

    update(cache, pause=(clock, UNCONFIRMED + 0.5))
    assert fresh(cache) is None


def test_a_lifetime_begins_with_the_question(cache: CredentialCache, clock: Clock) -> None:
    """A record's lifetime is that at the time of Redis's answer, so the value is never served after it."""
    update(cache, pause=(clock, 60.0))
    clock.now += LIFETIME - 61
    assert cache.valid()
    clock.now += 1
    assert cache.valid() is None


def test_a_write_confirms_a_value_from_its_start_on(cache: CredentialCache, clock: Clock) -> None:
    """While the answer of the write was not processed, another instance may have replaced the value."""
    written_at = clock.now
    clock.now += UNCONFIRMED + 0.5
    new = FetchedToken("new", int(LIFETIME))
    cache.put(Fetched(new, written_at + LIFETIME, fence=2, grant_digest="", stored_at=written_at))
    assert cache.valid()
    assert fresh(cache) is None
