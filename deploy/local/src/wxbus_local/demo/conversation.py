"""The demo's conversation: what users do, what they must get for it, and that they get it exactly once."""

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Outcome, SendRequest, SendResult, Sent

REPLY_TIMEOUT = 10.0
RETRIES_TIMEOUT = 30.0
"""For the message that fails twice: it is parked for 1 s, then for 5 s."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a user does, and the replies that must follow."""

    title: str
    does: str
    request: SendRequest
    replies: tuple[str, ...]
    timeout: float = REPLY_TIMEOUT


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a step."""

    step: Step
    result: SendResult
    sent: tuple[Sent, ...]
    faults: tuple[str, ...]
    """What was not as it must be; empty if all was."""

    @property
    def replies(self) -> tuple[str, ...]:
        """Return the replies, for reading."""
        return tuple(map(in_words, self.sent))


def script(user: str) -> list[Step]:
    """Return the steps, all of the same user; the order matters, for the bot counts his messages."""

    def shop(content: str, *, copies: int = 1) -> SendRequest:
        return SendRequest(account="shop", openid=user, fields={"Content": content}, copies=copies)

    return [
        Step("A text, encrypted (secure mode, XML)", "hello", shop("hello"), ("hello (1)",)),
        Step(
            "A Mini Program's message (JSON)",
            "你好",
            SendRequest(account="mini", openid=user, fields={"Content": "你好"}),
            ("你好 (1)",),
        ),
        Step(
            "An image",
            "[image]",
            SendRequest(account="shop", openid=user, type="image"),
            ("A fine picture.", "[image]"),
        ),
        Step(
            "Somebody opens the Mini Program's customer service",
            "[user_enter_tempsession]",
            SendRequest(account="mini", openid=user, event="user_enter_tempsession"),
            ("Welcome back.",),
        ),
        Step(
            "The same message delivered three times, as WeChat does when it saw no answer",
            "only once, please",
            shop("only once, please", copies=3),
            ("only once, please (2)",),
        ),
        Step(
            "A message whose handler fails twice: parked for 1 s, then for 5 s",
            "fail twice",
            shop("fail twice"),
            ("It worked at attempt 3.",),
            timeout=RETRIES_TIMEOUT,
        ),
        Step("An order: the bot asks back", "order tea", shop("order tea"), ("Where shall we send tea?",)),
        Step(
            "The answer, understood because the user's context has the order",
            "12 Nanjing Road",
            shop("12 Nanjing Road"),
            ("tea goes to 12 Nanjing Road.",),
        ),
        Step("One more text: the count shows that nothing ran twice", "bye", shop("bye"), ("bye (3)",)),
    ]


async def play(sandbox: SandboxClient, steps: Sequence[Step]) -> AsyncIterator[Played]:
    """Play the steps one after another; yield what came of each.

    A user's messages are handled in order. So when a step's replies have come, all replies to what he did before have
    too, and one too many shows up in the step after it at the latest.
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
        yield Played(step, result, tuple(sent), tuple(_faults(step, result, sent)))


async def surplus(sandbox: SandboxClient, steps: Sequence[Step]) -> list[str]:
    """Return the replies that came though no step asked for them, when all is said."""
    wanted = sorted(reply for step in steps for reply in step.replies)
    user = steps[0].request.openid
    came = sorted(in_words(sent) for sent in await sandbox.sent(openid=user))
    for reply in wanted:
        if reply in came:
            came.remove(reply)
    return came


def a_user() -> str:
    """Return an openid that nobody had before."""
    return f"oDemo{int(time.time()):x}{secrets.token_hex(7)}"[:28]


def in_words(sent: Sent) -> str:
    """Return a reply for reading: a text's content, else what kind it is."""
    return sent.content or f"[{sent.msgtype}]"


def _faults(step: Step, result: SendResult, sent: Sequence[Sent]) -> list[str]:
    faults = [
        f"WeChat got {attempt.status} {attempt.body[:80]!r} instead of success: {attempt.reason or attempt.outcome}"
        for attempt in result.attempts
        if attempt.outcome is not Outcome.ACKNOWLEDGED
    ]
    got = tuple(map(in_words, sent))
    if got != step.replies:
        faults.append(f"replies must be {', '.join(step.replies)}; came: {', '.join(got) or 'none'}")
    return faults
