"""The commands `send`, `trigger` and `replay`: act as a user, and print the replies and the attempts to push."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import typer

from wxbus.config.settings import load
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.models import (
    Attempt,
    Outcome,
    SendRequest,
    SendResult,
    Sent,
)
from wxbus_sandbox.settings import Address

NEXT_REPLY_TIMEOUT: Final = 0.5
"""Seconds to wait for a further reply after each reply."""
MAX_BODY: Final = 60
"""Characters of a response that are printed."""
SHOWN_FIELDS: Final = ("title", "content", "head_content", "description", "url", "pagepath", "media_id")
"""Fields of other messages than texts, in the order of printing."""


def fields_of(texts: Iterable[str]) -> dict[str, str]:
    """Return `NAME=VALUE` texts as a mapping; raises ValueError for a text without `=`."""
    fields = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError(f"{text}: must be NAME=VALUE")
        fields[name] = value
    return fields


def request_of(kind: str, content: str, fields: Mapping[str, str], **options: Any) -> SendRequest:
    """Return the request for the arguments; raises ValueError for an event without a name."""
    if kind == "event":
        if not content:
            raise ValueError("name the event, like: send event CLICK")
        return SendRequest(type=kind, event=content, fields=dict(fields), **options)
    text = {"Content": content} if content else {}
    return SendRequest(type=kind, fields={**text, **fields}, **options)


def send(request: SendRequest, *, url: str, wait: float) -> int:
    """Send, print the replies and attempts, and return the exit code.

    Raises:
        SandboxFailure: The sandbox does not answer, or rejects the request.
        ConfigurationError: The sandbox's address is not valid.
    """
    return push(lambda sandbox: sandbox.send(request), url=url, wait=wait)


def replay(push_id: str, *, anew: bool, url: str, wait: float) -> int:
    """Repeat a push by its number or MsgId; see `send`."""
    return push(lambda sandbox: sandbox.replay(push_id, anew=anew), url=url, wait=wait)


def push(act: Callable[[SandboxClient], Awaitable[SendResult]], *, url: str, wait: float) -> int:
    """Push, print the replies and attempts, and return the exit code; raises as `send` does."""
    result, replies = asyncio.run(_push(url or load(Address).url, act, wait))
    for line in report(result, replies, wait=wait):
        typer.echo(line)
    return 0 if result.outcome.settled else 1


async def replies_to(sandbox: SandboxClient, result: SendResult, *, wait: float) -> list[Sent]:
    """Return the replies to the user of a push: the first within `wait` seconds, and those that follow soon."""
    replies: list[Sent] = []
    while True:
        found = await sandbox.sent(
            account=result.account, openid=result.openid, since=result.time, count=len(replies) + 1, wait=wait
        )
        if len(found) == len(replies):
            return found
        replies, wait = found, min(wait, NEXT_REPLY_TIMEOUT)


def report(result: SendResult, replies: Sequence[Sent], *, wait: float) -> Iterator[str]:
    """Yield the lines to print: the replies as the user sees them, then the attempts to push."""
    if result.shown is not None:
        yield result.shown
    elif result.reply is not None and result.outcome is Outcome.REPLIED:
        yield f"[{result.reply.get('MsgType', 'reply')}]"
    for sent in replies:
        yield describe(sent)
    if result.outcome is Outcome.ACKNOWLEDGED and not replies and wait:
        yield f"no reply in {wait:g} s (the handler may send none, or may be retried later)"
    if not result.attempts:
        yield "  not pushed: a human in customer service has the conversation"
    for number, attempt in enumerate(result.attempts, start=1):
        prefix = f"attempt {number}: " if len(result.attempts) > 1 else ""
        yield f"  {prefix}{_describe_attempt(attempt)}"


def describe(sent: Sent) -> str:
    """Return a customer-service message in one line: a text's content, or the type and some fields."""
    content = sent.payload.get(sent.msgtype)
    if sent.msgtype == "text" or not isinstance(content, dict):
        return sent.content or f"[{sent.msgtype}]"
    articles = content.get("articles")
    source = articles[0] if isinstance(articles, list) and articles else content
    return " ".join([f"[{sent.msgtype}]", *(str(source[name]) for name in SHOWN_FIELDS if source.get(name))])


def _describe_attempt(attempt: Attempt) -> str:
    response = "no response" if attempt.status is None else f"status {attempt.status}"
    body = f", body {attempt.body[:MAX_BODY]}" if attempt.body and attempt.outcome is not Outcome.REPLIED else ""
    reason = f": {attempt.reason}" if attempt.reason else ""
    return f"{attempt.outcome} in {attempt.ms:.0f} ms ({response}{body}){reason}"


async def _push(
    url: str, act: Callable[[SandboxClient], Awaitable[SendResult]], wait: float
) -> tuple[SendResult, list[Sent]]:
    async with SandboxClient.open(url) as sandbox:
        result = await act(sandbox)
        if result.outcome is not Outcome.ACKNOWLEDGED or result.openid is None or not wait:
            return result, []
        return result, await replies_to(sandbox, result, wait=wait)
