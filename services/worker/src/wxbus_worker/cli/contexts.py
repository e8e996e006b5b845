"""The functions of the commands that `context_commands` declares."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from wxbus.config.account_tables import identities
from wxbus.config.settings import StoreSettings, load_for_command
from wxbus.errors import ConfigurationError
from wxbus.store.store import COMMAND_ANSWER_TIMEOUT
from wxbus.wechat.replies.reply import reply_to_json
from wxbus_worker.context.context import Context
from wxbus_worker.context.contexts import Contexts, StoredContext
from wxbus_worker.store.open_contexts import open_contexts

APPID_PREFIXES: Final = ("wx", "ww")
"""Of WeChat and WeCom."""


class ContextSettings(StoreSettings):
    """Where the contexts are, and the names of accounts."""

    accounts_file: Path | None = None


def list_(account: str, *, as_json: bool) -> None:
    """Print the contexts, the next to expire first."""

    async def read() -> list[StoredContext]:
        async with _contexts() as contexts:
            return sorted([one async for one in contexts.list(_appid(account))], key=lambda one: one.expires_at)

    found = asyncio.run(read())
    for one in found:
        expires = one.expires_at.isoformat(timespec="seconds")
        fields = {"appid": one.appid, "openid": one.openid, "expires": expires}
        typer.echo(json.dumps(fields) if as_json else f"{one.appid}  {one.openid}  expires {expires}")
    if not as_json:
        typer.echo(f"{len(found)} context{'' if len(found) == 1 else 's'}")


def show(account: str, openid: str, *, messages: bool) -> None:
    """Print a context as JSON."""

    async def read() -> Context | None:
        async with _contexts() as contexts:
            return await contexts.get(_appid(account), openid)

    context = asyncio.run(read())
    if context is None:
        typer.echo(f"user {openid} of account {account} has no context", err=True)
        raise typer.Exit(1)
    Console(soft_wrap=True).print_json(json.dumps(_fields(context, messages=messages), ensure_ascii=False))


def drop(account: str, openids: list[str], *, yes: bool) -> None:
    """Drop contexts of users."""
    whom = f"context of {openids[0]}" if len(openids) == 1 else f"contexts of {len(openids)} users"
    if not yes and not typer.confirm(f"drop the {whom}?"):
        return

    async def act() -> int:
        async with _contexts() as contexts:
            return sum([await contexts.drop(_appid(account), openid) for openid in openids])

    typer.echo(f"{asyncio.run(act())} dropped")


def drop_all(account: str, *, yes: bool) -> None:
    """Drop the contexts of all users, or of those of one account."""
    if not yes and not typer.confirm(f"drop all contexts of {account or 'all accounts'}?"):
        return

    async def act() -> int:
        async with _contexts() as contexts:
            if not account:
                return await contexts.drop_all()
            return sum([await contexts.drop(one.appid, one.openid) async for one in contexts.list(_appid(account))])

    typer.echo(f"{asyncio.run(act())} dropped")


@asynccontextmanager
async def _contexts() -> AsyncIterator[Contexts]:
    settings = load_for_command(ContextSettings)
    url = settings.redis_url.get_secret_value()
    async with open_contexts(url, namespace=settings.namespace, answer_timeout=COMMAND_ANSWER_TIMEOUT) as contexts:
        yield contexts


def _appid(account: str) -> str:
    """Return the appid of an account by its name in the accounts file.

    An appid that is not in the file may have authorised a platform, or may have been removed.
    """
    path = load_for_command(ContextSettings).accounts_file
    accounts = identities(path) if path else {}
    if account in accounts:
        return accounts[account][0]
    if (
        not path
        or not account
        or account.startswith(APPID_PREFIXES)
        or any(account == appid for appid, _ in accounts.values())
    ):
        return account
    raise ConfigurationError(f"there is no account {account} in {path}; the accounts are {', '.join(accounts)}")


def _fields(context: Context, *, messages: bool) -> dict[str, object]:
    requests = [one.model_dump(mode="json", by_alias=True) for one in context.requests]
    responses = [json.loads(reply_to_json(one)) for one in context.responses]
    return {
        "appid": context.appid,
        "openid": context.openid,
        "state": context.state,
        "storage": context.storage,
        "last_active": context.last_active.isoformat(timespec="seconds") if context.last_active else None,
        "expire_after_seconds": context.expire_after.total_seconds(),
        "requests": requests if messages else len(requests),
        "responses": responses if messages else len(responses),
    }
