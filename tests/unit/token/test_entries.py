"""The clock of a registry, which follows Redis's clock."""

from typing import Any, cast

import pytest

from tests.support.clock import Clock
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus.store.store import Store
from wxbus_token.registry.entries import NO_REVISION, EntryStore
from wxbus_token.registry.models import RegisteredKey


class SlowRedis:
    """A Redis without entries; its clock is ahead of ours, and question and answer may take their time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead = 100.0
        self.question = self.answer = 0.0
        """Seconds."""

    async def run(self, *_: object, **__: object) -> list[Any]:
        """Return Redis's time and the revision."""
        self._clock.now += self.question
        now = self._clock.now + self.ahead
        self._clock.now += self.answer
        return [int(now * 1000), NO_REVISION]


@pytest.mark.parametrize(("question", "answer"), [(3.0, 0.0), (0.0, 3.0), (3.0, 3.0)])
async def test_a_slow_answer_does_not_move_the_clock(question: float, answer: float) -> None:
    """A key that has expired does not become valid again, and one that is valid does not expire early."""
    clock = Clock()
    redis = SlowRedis(clock)
    keyring = Keyring.parse(new_encryption_key("k1"))
    entries = EntryStore(cast("Store", redis), keyring, RegisteredKey, namespace="wxbus", name="keys", clock=clock)
    await entries.read()
    assert entries.now() == pytest.approx(clock.now + 100, abs=0.002)

    redis.question, redis.answer = question, answer
    await entries.read()
    assert entries.now() == pytest.approx(clock.now + 100, abs=0.002)

    redis.question, redis.answer, redis.ahead = 0.0, 0.0, -50.0
    await entries.read()
    assert entries.now() == pytest.approx(clock.now - 50, abs=0.002), "the clock of another Redis"
