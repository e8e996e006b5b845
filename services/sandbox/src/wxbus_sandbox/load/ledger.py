"""The record of a load: accepted messages and received replies."""

import re
from collections import Counter
from dataclasses import dataclass, field

from wxbus_sandbox.load.report import LoadReport, Times
from wxbus_sandbox.models import BAD_DAY, SendResult


@dataclass(slots=True)
class _Message:
    user: str
    pushed_at: float
    accepted_at: float | None = None
    replied: bool = False


@dataclass(slots=True)
class Ledger:
    """The messages of one run, by their numbers, which their texts contain."""

    run: str
    """The text before the number."""
    expects_replies: bool
    messages: list[_Message] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    reply_times: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)
    """The highest number with a reply, by user."""
    waiting: int = 0
    """Accepted messages without a reply."""

    def pushed(self, user: str, now: float) -> str:
        """Record a message; return its text."""
        self.messages.append(_Message(user, now))
        return f"{self.run} {len(self.messages) - 1}."

    def settled(self, number: int, result: SendResult, now: float) -> None:
        """Record the result of a push."""
        for attempt in result.attempts:
            if attempt.status == 200:
                self.answers.append(attempt.ms)
            if attempt.outcome.settled or attempt.reason.endswith(BAD_DAY):
                continue
            self.counts["late" if attempt.status is None else "refused"] += 1
        if any(attempt.outcome.settled for attempt in result.attempts):
            message = self.messages[number]
            message.accepted_at = now
            self.counts["accepted"] += 1
            self.waiting += not message.replied
        elif not all(attempt.reason.endswith(BAD_DAY) for attempt in result.attempts):
            self.counts["failed"] += 1
        if result.shown and result.outcome.settled:
            self.replied(self.messages[number].user, result.shown, now)

    def replied(self, user: str, content: str, now: float) -> None:
        """Record a reply; ignore a reply without the text of a message of this run."""
        found = re.search(rf"{re.escape(self.run)} (\d+)\.", content)
        if not found or (number := int(found[1])) >= len(self.messages):
            return
        message = self.messages[number]
        if message.user != user:
            self.counts["misdirected"] += 1
            return
        if message.replied:
            self.counts["repeated"] += 1
            return
        message.replied = True
        self.waiting -= message.accepted_at is not None
        self.counts["replied"] += 1
        self.reply_times.append((now - message.pushed_at) * 1000)
        last = self.last.get(user, -1)
        # The order of messages that were under way at the same time is not defined.
        if last > number and message.accepted_at is not None and message.accepted_at < self.messages[last].pushed_at:
            self.counts["inverted"] += 1
        self.last[user] = max(last, number)

    @property
    def missing(self) -> int:
        """Return the number of accepted messages whose reply is expected and has not come."""
        return self.waiting if self.expects_replies else 0

    def report(self, seconds: float, *, done: bool = False) -> LoadReport:
        """Return the results so far; `done` counts missing replies as lost."""
        names = ("accepted", "refused", "late", "failed", "replied", "inverted", "repeated", "misdirected")
        return LoadReport(
            seconds=round(seconds, 1),
            sent=len(self.messages),
            answers=Times.of(self.answers),
            expects_replies=self.expects_replies,
            reply_times=Times.of(self.reply_times),
            lost=self.missing if done else 0,
            done=done,
            **{name: self.counts[name] for name in names},
        )
