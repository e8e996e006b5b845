"""The command `tail`: shows callbacks, replies and calls as they come."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

from wxbus.config.settings import load
from wxbus.conversations import message_seen, passive_reply_seen, shown
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.connection import SandboxFailure
from wxbus_sandbox.settings import Address

KINDS: Final = ("push", "retry", "sent", "call")
FAILED: Final = frozenset({"failed", "invalid"})
STYLES: Final = {"push": "cyan", "retry": "yellow", "sent": "green", "call": "dim"}
MOST: Final = 160
"""Characters of a message that are shown."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The entries to show; empty fields show all."""

    kinds: Collection[str] = ()
    account: str = ""
    openid: str = ""
    path: str = ""
    """A pattern of calls' paths."""
    failed: bool = False
    """Only failures and retries."""

    def __call__(self, kind: str, entry: dict[str, Any]) -> bool:
        """Return whether to show an entry."""
        if kind not in (self.kinds or KINDS):
            return False
        if self.path and not (kind == "call" and fnmatch(entry["path"], self.path)):
            return False
        if self.account and entry.get("account") != self.account:
            return False
        if self.openid and self.openid not in {entry.get("openid"), _receiver(entry)}:
            return False
        return not self.failed or _is_wrong(kind, entry)


def tail(wanted: Filter, *, last: int, count: int, url: str, as_json: bool) -> int:
    """Print entries until Ctrl-C, or until there were `count`; return the exit code.

    Raises:
        SandboxFailure: The sandbox does not answer, or has ended.
        ConfigurationError: The sandbox's address is not valid.
    """
    try:
        asyncio.run(_tail(url or load(Address).url, wanted, last, count, as_json=as_json))
    except KeyboardInterrupt:
        return 0
    return 0


def line(kind: str, entry: dict[str, Any]) -> Text:
    """Return an entry in one line."""
    now = time.strftime("%H:%M:%S", time.localtime(float(entry["time"])))
    if kind == "call":
        answer = entry["answer"] if isinstance(entry["answer"], dict) else {}
        code = f" errcode {answer['errcode']}" if answer.get("errcode") else ""
        status = "cut" if entry["status"] is None else str(entry["status"])
        what, outcome = f"{entry['method']} {entry['path']}", f"{status}{code} in {entry['ms']:.0f} ms"
    elif kind == "sent":
        what, outcome = f"{entry['account']} to {entry['openid']}  {shown(message_seen(entry['payload']))}", ""
    else:
        attempts = entry["attempts"]
        number = f"#{entry['number']} " if kind == "push" else ""
        what = f"{number}{entry['openid'] or 'WeChat'} to {entry['account']}  {_message(entry['message'])}"
        reason = f": {attempts[-1]['reason']}" if attempts[-1]["reason"] else ""
        tries = f", attempt {len(attempts)}" if len(attempts) > 1 or kind == "retry" else ""
        reply = f" {shown(passive_reply_seen(entry['reply']))}" if entry["reply"] else ""
        outcome = f"{entry['outcome']}{reply} in {attempts[-1]['ms']:.0f} ms{tries}{reason}"
    style = "red" if _is_wrong(kind, entry) else STYLES[kind]
    return Text.assemble(
        (f"{now} ", "dim"), (f"{kind:<6}", style), what[:MOST], (f"  {outcome}" if outcome else "", style)
    )


async def entries(sandbox: SandboxClient, last: int) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    """Yield the entries of the sandbox's stream with their kinds; `last` is the number of past ones of each kind."""
    kind = ""
    async with aclosing(sandbox.events(last=last)) as lines:
        async for text in lines:
            name, _, value = text.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind in KINDS:
                yield kind, json.loads(value)


async def _tail(url: str, wanted: Filter, last: int, count: int, *, as_json: bool) -> None:
    console, number = Console(highlight=False, soft_wrap=True), 0
    async with SandboxClient.open(url) as sandbox, aclosing(entries(sandbox, last)) as found:
        async for kind, entry in found:
            if not wanted(kind, entry):
                continue
            if as_json:
                typer.echo(json.dumps({"kind": kind, **entry}, ensure_ascii=False))
            else:
                console.print(line(kind, entry))
            number += 1
            if number == count:
                return
    raise SandboxFailure(f"the sandbox at {url} has ended")


def _message(message: dict[str, Any]) -> str:
    if "InfoType" in message:
        return str(message["InfoType"])
    if message.get("MsgType") == "text":
        return shown(str(message.get("Content", "")))
    if message.get("MsgType") == "event":
        return " ".join(str(message[name]) for name in ("Event", "EventKey") if message.get(name))
    return f"[{message.get('MsgType', '')}]"


def _receiver(entry: dict[str, Any]) -> object:
    """Return the user to whom a call sends."""
    return entry["request"].get("touser") if isinstance(entry.get("request"), dict) else None


def _is_wrong(kind: str, entry: dict[str, Any]) -> bool:
    if kind == "call":
        answer = entry["answer"] if isinstance(entry["answer"], dict) else {}
        return entry["status"] != 200 or bool(answer.get("errcode"))
    return kind == "retry" or entry.get("outcome") in FAILED
