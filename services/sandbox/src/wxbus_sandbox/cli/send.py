"""`send`: a user does something, and sees what comes back. The reply comes first; how it travelled follows."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import typer

from wxbus.config.settings import load
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import Attempt, Outcome, SendRequest, SendResult, Sent
from wxbus_sandbox.settings import Address

QUIET: Final = 0.5
"""Seconds after a reply in which a further one is waited for."""
LONGEST_BODY: Final = 60
"""Characters of an answer of ingress that are shown."""
TELLING: Final = ("title", "content", "head_content", "description", "url", "pagepath", "media_id")
"""Fields of a message that is no text, in the order in which a person reads them."""


def fields_of(texts: Iterable[str]) -> dict[str, str]:
    """Return `NAME=VALUE` texts as a mapping; raises ValueError for a text without a `=`."""
    fields = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError(f"{text}: must be NAME=VALUE")
        fields[name] = value
    return fields


def request_of(kind: str, content: str, fields: Mapping[str, str], **options: Any) -> SendRequest:
    """Return the request for what was typed; raises ValueError for an event without a name."""
    if kind == "event":
        if not content:
            raise ValueError("name the event, like: send event CLICK")
        return SendRequest(type=kind, event=content, fields=dict(fields), **options)
    given = {"Content": content} if content else {}
    return SendRequest(type=kind, fields={**given, **fields}, **options)


def send(request: SendRequest, *, url: str, wait: float) -> int:
    """Send, print what came back, and return the exit code.

    Raises:
        SandboxFailure: The sandbox does not answer, or refuses.
        ConfigurationError: The sandbox's address is wrong.
    """
    result, replies = asyncio.run(_send(url or load(Address).url, request, wait))
    for line in report(result, replies, wait=wait):
        typer.echo(line)
    return 0 if result.outcome.settled else 1


async def replies_to(sandbox: SandboxClient, request: SendRequest, *, since: float, wait: float) -> list[Sent]:
    """Return what the user got since then: the first reply within `wait` seconds, and those that follow it closely."""
    replies: list[Sent] = []
    while True:
        found = await sandbox.sent(
            account=request.account, openid=request.openid, since=since, count=len(replies) + 1, wait=wait
        )
        if len(found) == len(replies):
            return found
        replies, wait = found, min(wait, QUIET)


def report(result: SendResult, replies: Sequence[Sent], *, wait: float) -> Iterator[str]:
    """Yield the lines for a person: the replies as the user sees them, then how each attempt to push went."""
    if result.shown is not None:
        yield result.shown
    elif result.reply is not None and result.outcome is Outcome.REPLIED:
        yield f"[{result.reply.get('MsgType', 'reply')}]"
    for sent in replies:
        yield in_words(sent)
    if result.outcome is Outcome.ACKNOWLEDGED and not replies and wait:
        yield f"no reply in {wait:g} s (a handler may send none, or be run again later)"
    for number, attempt in enumerate(result.attempts, start=1):
        which = f"attempt {number}: " if len(result.attempts) > 1 else ""
        yield f"  {which}{_how(attempt)}"


def in_words(sent: Sent) -> str:
    """Return a customer-service message in one line: a text as it is, of another kind what tells it apart."""
    content = sent.payload.get(sent.msgtype)
    if sent.msgtype == "text" or not isinstance(content, dict):
        return sent.content or f"[{sent.msgtype}]"
    articles = content.get("articles")
    shown = articles[0] if isinstance(articles, list) and articles else content
    told = [str(shown[name]) for name in TELLING if shown.get(name)]
    return " ".join([f"[{sent.msgtype}]", *told])


def _how(attempt: Attempt) -> str:
    """Return what came of one attempt to push."""
    answer = "no answer" if attempt.status is None else f"status {attempt.status}"
    body = f", body {attempt.body[:LONGEST_BODY]}" if attempt.body and attempt.outcome is not Outcome.REPLIED else ""
    reason = f": {attempt.reason}" if attempt.reason else ""
    return f"{attempt.outcome} in {attempt.ms:.0f} ms ({answer}{body}){reason}"


async def _send(url: str, request: SendRequest, wait: float) -> tuple[SendResult, list[Sent]]:
    async with SandboxClient.open(url) as sandbox:
        result = await sandbox.send(request)
        if result.outcome is not Outcome.ACKNOWLEDGED or not wait:
            return result, []
        return result, await replies_to(sandbox, request, since=result.time, wait=wait)
