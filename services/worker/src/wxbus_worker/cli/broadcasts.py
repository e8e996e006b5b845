"""The functions of the commands that `broadcast_commands` declares."""

import asyncio
import csv
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from wxbus.accounts.models import AccountKind
from wxbus.config.account_tables import identities
from wxbus.config.settings import AccountsSettings, StoreSettings, load_for_command
from wxbus.config.validation import validation_messages
from wxbus.errors import ConfigurationError, StoreUnavailable
from wxbus.messages.broadcasts import BroadcastStatus, NewBroadcast
from wxbus.messages.requests import Sendable
from wxbus.store.store import COMMAND_ANSWER_TIMEOUT, Store
from wxbus.wechat.replies.reply import AnyReply, Text
from wxbus_worker.cli.recipients import chunks, openids_of
from wxbus_worker.store.broadcasts import Broadcasts

INTERVAL: Final = 0.5
"""Seconds between two queries of the progress."""
PAGE: Final = 1_000
"""Refused recipients per query."""


def read_message(text: str | None, file: Path | None) -> AnyReply:
    """Return the message of the options `--text` and `--message`, or raise ConfigurationError."""
    if (text is None) == (file is None):
        raise ConfigurationError("give either --text or --message")
    if file is None:
        if not text:
            raise ConfigurationError("--text is empty")
        return Text(text)
    try:
        message: AnyReply = TypeAdapter(Sendable).validate_json(file.read_bytes())
    except ValidationError as exc:
        raise ConfigurationError(f"{file}: {validation_messages(exc)}") from None
    return message


def new_broadcast(**fields: Any) -> NewBroadcast:
    """Return the broadcast of the options, or raise ConfigurationError."""
    try:
        return NewBroadcast(**{name: value for name, value in fields.items() if (name, value) != ("id", "")})
    except ValidationError as exc:
        raise ConfigurationError(validation_messages(exc)) from None


def start(new: NewBroadcast, *, file: Path | None, openids: Sequence[str], detach: bool, yes: bool) -> None:
    """Create the broadcast, add its recipients, and show its progress."""
    if bool(file or openids) == new.collected_by_worker:
        raise ConfigurationError("give recipients by --to and --openid, or else --tag or --all")
    account, appid, kind = _account(new.account)
    if new.collected_by_worker and kind != AccountKind.OFFICIAL_ACCOUNT:
        raise ConfigurationError(f"account {account} is {kind}: only Official Accounts have followers and tags")
    given = sum(1 for _ in openids_of(file)) if file else 0  # all lines are checked before the first one is added
    whom = _audience(new, given + len(openids))
    if not (yes or new.dry_run or typer.confirm(f"send {new.message.kind} to {whom} of {account}?")):
        return
    typer.echo(f"broadcast {new.id}", err=True)

    async def work() -> None:
        async with _broadcasts() as broadcasts:
            await broadcasts.create(new, account=account, appid=appid)
            if not new.collected_by_worker:
                for chunk in chunks(chain(openids_of(file) if file else (), openids)):
                    await broadcasts.add(new.id, chunk)
                await broadcasts.add(new.id, (), complete=True)
            if not detach:
                _print_end(await until_ended(broadcasts, new.id))

    asyncio.run(work())


def watch(broadcast: str) -> None:
    """Show the progress until the broadcast ends or pauses."""

    async def work() -> None:
        async with _broadcasts() as broadcasts:
            _print_end(await until_ended(broadcasts, broadcast))

    asyncio.run(work())


def status(broadcast: str, *, as_json: bool) -> None:
    """Print how far a broadcast is."""

    async def work() -> BroadcastStatus:
        async with _broadcasts() as broadcasts:
            return await _status(broadcasts, broadcast)

    found = asyncio.run(work())
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        _print_end(found)


def list_() -> None:
    """Print all broadcasts."""

    async def work() -> list[BroadcastStatus]:
        async with _broadcasts() as broadcasts:
            return await broadcasts.newest()

    table = Table("id", "account", "created", "state", "sent", "refused", "total")
    for one in asyncio.run(work()):
        created = one.created_at.strftime("%Y-%m-%d %H:%M:%S")
        numbers = map(str, (one.sent, sum(one.refused.values()), one.total))
        table.add_row(one.id, one.account, created, one.state + (" (dry run)" if one.dry_run else ""), *numbers)
    Console().print(table)


def refused(broadcast: str) -> None:
    """Print the refused recipients as CSV."""

    async def work() -> None:
        async with _broadcasts() as broadcasts:
            await _status(broadcasts, broadcast)
            rows, start = csv.writer(sys.stdout), 0
            rows.writerow(("openid", "reason"))
            while page := await broadcasts.refused(broadcast, start=start, count=PAGE):
                rows.writerows((one.openid, one.reason) for one in page)
                start += len(page)

    asyncio.run(work())


def change(broadcast: str, action: str) -> None:
    """Pause, resume or cancel a broadcast, and print its status."""

    async def work() -> BroadcastStatus:
        async with _broadcasts() as broadcasts:
            await _status(broadcasts, broadcast)
            await broadcasts.change(broadcast, action, "paused by an operator")
            return await _status(broadcasts, broadcast)

    _print_end(asyncio.run(work()))


@asynccontextmanager
async def _broadcasts() -> AsyncIterator[Broadcasts]:
    settings = load_for_command(StoreSettings)
    url = settings.redis_url.get_secret_value()
    async with Store.open(url, name="wxbus-broadcast", answer_timeout=COMMAND_ANSWER_TIMEOUT) as store:
        yield Broadcasts(store, namespace=settings.namespace)


async def _status(broadcasts: Broadcasts, broadcast: str) -> BroadcastStatus:
    if (found := await broadcasts.status(broadcast)) is None:
        raise ConfigurationError(f"there is no broadcast {broadcast}")
    return found


async def until_ended(broadcasts: Broadcasts, broadcast: str) -> BroadcastStatus:
    """Show a progress bar until the broadcast ends or pauses, also during outages of Redis; return its status."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task, outage = progress.add_task(""), False
        while True:
            try:
                found = await _status(broadcasts, broadcast)
            except StoreUnavailable as exc:
                if not outage:
                    console.print(f"waiting for Redis: {exc}", soft_wrap=True)
                outage = True
                await asyncio.sleep(INTERVAL)
                continue
            outage = False
            done = found.sent + sum(found.refused.values())
            total = None if found.state == "collecting" else found.total
            progress.update(task, description=found.state, completed=done, total=total)
            if found.state in {"done", "paused", "cancelled"}:
                return found
            await asyncio.sleep(INTERVAL)


def _print_end(found: BroadcastStatus) -> None:
    if found.dry_run:
        typer.echo(f"{found.state}: a dry run, {found.total} recipients, nothing is sent")
        return
    reason = f" ({found.reason})" if found.reason else ""
    left = f", {found.waiting + found.in_flight} to come" if found.waiting + found.in_flight else ""
    refused_number = sum(found.refused.values())
    typer.echo(f"{found.state}{reason}: {found.sent} sent, {refused_number} refused{left}, {found.total} in all")
    for text, number in sorted(found.refused.items(), key=lambda pair: -pair[1]):
        typer.echo(f"  {number}  {text}")


def _account(name: str) -> tuple[str, str, str]:
    """Return name, appid and kind of the account that an operator names by one of the first two."""
    file = load_for_command(AccountsSettings).accounts_file
    accounts = identities(file)
    for known, (appid, kind) in accounts.items():
        if name in {known, appid}:
            return known, appid, kind
    raise ConfigurationError(f"there is no account {name} in {file}; the accounts are {', '.join(accounts)}")


def _audience(new: NewBroadcast, given: int) -> str:
    if new.all_followers:
        return "all followers"
    return f"the users with tag {new.tag}" if new.tag is not None else f"{given} user{'' if given == 1 else 's'}"
