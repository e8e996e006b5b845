"""The command `doctor`: checks a callback address from outside."""

import asyncio
import json
from collections import Counter
from contextlib import aclosing
from dataclasses import asdict
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text
from yarl import URL

from wxbus.accounts.models import Account
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.doctor.examination import examine, open_target
from wxbus_sandbox.doctor.findings import Finding, Level
from wxbus_sandbox.settings import Rules

STYLES: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red", Level.SKIPPED: "dim"}
WORDS: Final = {Level.OK: "ok", Level.WARNING: "warning", Level.SKIPPED: "skipped", Level.FAILURE: "failure"}
CHECK_WIDTH: Final = 36
"""Columns of the names of checks."""
NO_APPID: Final = "wx0000000000000000"
"""Of an account in plain mode, where the appid is in no message."""


def doctor(url: str, *, token: str, aes_key: str, appid: str, kind: str, form: str, as_json: bool) -> int:
    """Check the address, print a line for each check, and return the exit code.

    Raises:
        ConfigurationError: An argument is not valid.
    """
    account = _account(url, token=token, aes_key=aes_key, appid=appid, kind=kind)
    return asyncio.run(_examine(url, account, Format(form), as_json=as_json))


async def _examine(url: str, account: Account, form: Format, *, as_json: bool) -> int:
    console, counts = Console(highlight=False, soft_wrap=True), Counter[Level]()
    async with open_target(url, account, form=form, rules=Rules()) as target:
        if not as_json:
            console.print(Text(f"{url}: {account.kind}, {target.mode} mode, {form}"))
        async with aclosing(examine(target)) as findings:
            async for finding in findings:
                counts[finding.level] += 1
                if as_json:
                    console.print(Text(json.dumps(asdict(finding), ensure_ascii=False)))
                else:
                    console.print(_line(finding))
    if not as_json:
        console.print(Text(", ".join(_counted(counts[level], word) for level, word in WORDS.items())))
    return 1 if counts[Level.FAILURE] else 0


def _line(finding: Finding) -> Text:
    time = "" if finding.ms is None else f" ({finding.ms:.0f} ms)"
    level = Text(f"{finding.level:<8}", style=STYLES[finding.level])
    return Text.assemble(level, f"{finding.check:<{CHECK_WIDTH}}{finding.text}", (time, "dim"))


def _counted(count: int, word: str) -> str:
    plural = "s" if word in {"warning", "failure"} and count != 1 else ""
    return f"{count} {word}{plural}"


def _account(url: str, *, token: str, aes_key: str, appid: str, kind: str) -> Account:
    if not URL(url).host:
        raise ConfigurationError(f"--url {url}: must be like https://your.name/wechat/shop")
    if aes_key and not appid:
        raise ConfigurationError("--aes-key needs --appid: the appid is in each encrypted message")
    fields = {
        "name": "doctor",
        "kind": kind,
        "appid": appid or NO_APPID,
        "token": token,
        **({"aes_key": aes_key, "modes": ["secure"]} if aes_key else {"modes": ["plain"]}),
    }
    try:
        return Account.model_validate(fields)
    except ValidationError as exc:
        raise ConfigurationError(validation_messages(exc)) from exc
