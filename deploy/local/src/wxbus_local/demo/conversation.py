"""The conversation of the demo: what users do, and which replies each must get exactly once."""

import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import (
    Outcome,
    SendRequest,
    SendResult,
    Sent,
)

REPLY_TIMEOUT: Final = 10.0
RETRIES_TIMEOUT: Final = 30.0
"""For the message whose handler fails twice: its retries come after 1 s and 5 s."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a user, and the replies that must follow."""

    title: str
    action: str
    request: SendRequest
    replies: tuple[str, ...]
    timeout: float = REPLY_TIMEOUT


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step."""

    step: Step
    result: SendResult
    sent: tuple[Sent, ...]
    failures: tuple[str, ...]

    @property
    def replies(self) -> tuple[str, ...]:
        """Return the replies as text."""
        return tuple(map(describe, self.sent))


def script(openid: str) -> list[Step]:
    """Return the steps of one user, in order: the bot counts the user's messages."""

    def shop(content: str, *, copies: int = 1) -> SendRequest:
        return SendRequest(account="shop", openid=openid, fields={"Content": content}, copies=copies)

    return [
        Step("A text, encrypted (secure mode, XML)", "hello", shop("hello"), ("hello (1)",)),
        Step(
            "A Mini Program's message (JSON)",
            "你好",
            SendRequest(account="mini", openid=openid, fields={"Content": "你好"}),
            ("你好 (1)",),
        ),
        Step(
            "An image",
            "[image]",
            SendRequest(account="shop", openid=openid, type="image"),
            ("A fine picture.", "[image]"),
        ),
        Step(
            "A user opens the Mini Program's customer service",
            "[user_enter_tempsession]",
            SendRequest(account="mini", openid=openid, event="user_enter_tempsession"),
            ("Welcome back.",),
        ),
        Step(
            "The same message three times, as WeChat repeats it without an answer",
            "only once, please",
            shop("only once, please", copies=3),
            ("only once, please (2)",),
        ),
        Step(
            "A message whose handler fails twice: retried after 1 s, then after 5 s",
            "fail twice",
            shop("fail twice"),
            ("It worked at attempt 3.",),
            timeout=RETRIES_TIMEOUT,
        ),
        Step("An order: the bot asks back", "order tea", shop("order tea"), ("Where shall we send tea?",)),
        Step(
            "The answer: the user's context has the order",
            "12 Nanjing Road",
            shop("12 Nanjing Road"),
            ("tea goes to 12 Nanjing Road.",),
        ),
        Step("One more text: the count shows that no handler ran twice", "bye", shop("bye"), ("bye (3)",)),
    ]


async def play(sandbox: SandboxClient, steps: Sequence[Step]) -> AsyncIterator[StepResult]:
    """Play the steps one after another and yield their results.

    A user's messages are handled in order, so a step shows surplus replies of the step before.
    """
    for step in steps:
        result = await sandbox.send(step.request)
        sent = await sandbox.sent(
            account=step.request.account,
            openid=step.request.openid,
            since=result.time,
            count=len(step.replies),
            wait=step.timeout,
        )
        yield StepResult(step, result, tuple(sent), tuple(_failures(step, result, sent)))


async def unexpected_replies(sandbox: SandboxClient, steps: Sequence[Step]) -> list[str]:
    """Return the replies that belong to no step, after all steps."""
    expected = Counter(reply for step in steps for reply in step.replies)
    sent = Counter(map(describe, await sandbox.sent(openid=steps[0].request.openid)))
    return sorted((sent - expected).elements())


def new_openid() -> str:
    """Return an openid without history."""
    return f"oDemo{int(time.time()):x}{secrets.token_hex(7)}"[:28]


def describe(sent: Sent) -> str:
    """Return the content of a text, the type of other replies."""
    return sent.content or f"[{sent.msgtype}]"


def _failures(step: Step, result: SendResult, sent: Sequence[Sent]) -> list[str]:
    failures = [
        f"WeChat got {attempt.status} {attempt.body[:80]!r} instead of success: {attempt.reason or attempt.outcome}"
        for attempt in result.attempts
        if attempt.outcome is not Outcome.ACKNOWLEDGED
    ]
    replies = tuple(map(describe, sent))
    if replies != step.replies:
        failures.append(f"expected replies: {', '.join(step.replies)}; got: {', '.join(replies) or 'none'}")
    return failures
