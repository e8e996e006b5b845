"""Messages, events, answer times, duplicates and retries (protocol reference 4)."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Final

from wxbus.wechat.documents.document import Document
from wxbus_sandbox.doctor.address import describe
from wxbus_sandbox.doctor.findings import Finding, failure, ok, warning
from wxbus_sandbox.doctor.target import Target
from wxbus_sandbox.models import Outcome
from wxbus_sandbox.pushes.composer import Push
from wxbus_sandbox.pushes.exchange import Exchange
from wxbus_sandbox.pushes.validator import Verdict

SLOW: Final = 3000.0
"""Milliseconds; WeChat waits 5 s, and networks are slow at times."""
CUT_AFTER: Final = 0.05
"""Seconds until the connection of a cut attempt is closed."""
ODD_TEXT: Final = "你好 🐼 ]]> & < > \" ' </xml> <script>alert(1)</script>"


async def check_messages(target: Target) -> AsyncGenerator[Finding]:
    """Check the answers to messages and events, and the slowest answer."""
    times = []
    for check, push in _pushes(target):
        response = await target.post(target.seal(push))
        times.append(response.ms)
        yield _answered(target, check, push, response)
    slowest = max(times)
    if slowest > SLOW:
        yield warning("answer time", f"{slowest / 1000:.1f} s; WeChat gives up after {target.timeout:g} s", slowest)
    else:
        yield ok("answer time", f"the slowest of {len(times)} answers", slowest)


async def check_repeats(target: Target) -> AsyncGenerator[Finding]:
    """Check sequential and concurrent duplicates, and a retry after a closed connection."""
    push = target.text("wxbus doctor: the same message three times")
    responses = [await target.post(target.seal(push)) for _ in range(3)]
    yield _repeated(target, "duplicates", push, responses)
    push = target.text("wxbus doctor: the same message at once")
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(target.post(target.seal(push))) for _ in range(2)]
    yield _repeated(target, "duplicates at once", push, [one.result() for one in both])
    push = target.text("wxbus doctor: a retry")
    await target.post(target.seal(push), timeout=CUT_AFTER)
    response = await target.post(target.seal(push))
    yield _answered(target, "retry after a closed connection", push, response)


def judged(target: Target, push: Push, response: Exchange) -> Verdict:
    """Return how WeChat treats a response."""
    if response.status != 200:
        return Verdict(Outcome.FAILED, describe(response))
    return target.judge(push, response)


def _pushes(target: Target) -> Iterator[tuple[str, Push]]:
    def event(name: str, **fields: Any) -> Push:
        return target.message("event", {"Event": name, **fields})

    yield "text", target.text("wxbus doctor")
    yield "odd text", target.text(ODD_TEXT)
    yield "empty text", target.text("")
    picture = {"PicUrl": "https://example.com/p.png", "MediaId": "media", "MsgId": target.text("")["MsgId"]}
    yield "image", target.message("image", picture)
    yield "event", event("subscribe", EventKey="") if not target.is_wecom else event("enter_agent", EventKey="")
    yield "unknown event", event("wxbus_doctor_event", Detail={"Count": 1})
    yield "unknown message", target.message("wxbus_doctor", {"MsgId": target.text("")["MsgId"]})


def _answered(target: Target, check: str, push: Push, response: Exchange) -> Finding:
    verdict = judged(target, push, response)
    if verdict.outcome is Outcome.IGNORED:
        return warning(check, verdict.reason, response.ms)
    if not verdict.outcome.settled:
        return failure(check, f"{verdict.reason}: WeChat pushes it again, then shows an outage notice", response.ms)
    replied = f"replied with {(verdict.reply or {}).get('MsgType', 'a result')}"
    text = "answered success" if verdict.reply is None else replied
    return ok(check, text, response.ms)


def _repeated(target: Target, check: str, push: Push, responses: Sequence[Exchange]) -> Finding:
    verdicts, slowest = [judged(target, push, response) for response in responses], max(one.ms for one in responses)
    for verdict in verdicts:
        if not verdict.outcome.settled:
            return failure(check, f"{verdict.reason}: WeChat pushes it again", slowest)
    replies = [_content(verdict.reply) for verdict in verdicts if verdict.reply is not None]
    if any(reply != replies[0] for reply in replies):
        return failure(check, "the replies differ: the message was handled again", slowest)
    if not replies:
        return ok(check, "accepted; it cannot be seen from outside whether it was handled twice", slowest)
    return ok(check, f"{len(replies)} equal replies" if len(replies) > 1 else "one reply", slowest)


def _content(reply: Document) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "CreateTime"}
