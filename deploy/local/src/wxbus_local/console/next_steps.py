"""Prints what to do next when all services are ready."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.text import Text

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import AccountKind
from wxbus.errors import RpcFailure, RpcUnavailable
from wxbus.rpc import Client
from wxbus.tokens.services import TokenService
from wxbus_local.console.screen import Screen
from wxbus_local.stack.addresses import DEFAULT_SANDBOX_PORT, url
from wxbus_local.stack.plan import Plan
from wxbus_token.api.operations import TokenOperations

UNKNOWN_PUBLIC_URL: Final = "https://YOUR.NAME"
DEMO_ACCOUNT: Final = "shop"
"""The account to which `wxbus_sandbox send` sends by default."""
DEMO_PROGRAM: Final = "mini"
"""The account in which `wxbus_sandbox login` logs in by default."""


def print_sandbox_steps(screen: Screen, plan: Plan) -> None:
    """Print the address of the page to chat in, and how to send a first message and to log in from a terminal."""
    accounts = list(Accounts.read(plan.settings.accounts_file))
    names = [account.name for account in accounts]
    programs = [account.name for account in accounts if account.kind is AccountKind.MINI_PROGRAM]
    lines: list[str | tuple[str, str]] = [
        "\n  Chat with the handlers, and see every callback and call:\n\n",
        (f"    {plan.addresses.sandbox_url}\n", "bold cyan"),
        "\n  or send a message in a second terminal:\n\n",
        (f"    {_command('send text hello', names, DEMO_ACCOUNT, plan)}\n", "bold cyan"),
    ]
    if programs:
        lines += [
            "\n  or log in as the user of a Mini Program, and call its services with the token:\n\n",
            (f"    {_command('login', programs, DEMO_PROGRAM, plan)}\n", "bold cyan"),
            (f"    {plan.addresses.gateway_url}/{programs[0]}/docs\n", "bold cyan"),
        ]
    screen.console.print(Text.assemble(*lines, "\n  Ctrl-C stops everything.\n"), soft_wrap=True)


def _command(words: str, names: list[str], default: str, plan: Plan) -> str:
    """Return a command of the sandbox for one of the accounts, without options that have their default."""
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(Path.cwd())
    addresses = plan.addresses
    options = "" if addresses.sandbox == DEFAULT_SANDBOX_PORT else f" --url {addresses.sandbox_url}"
    if names and default not in names:
        options += f" --account {names[0]}"
    return f"{python} -m wxbus_sandbox {words}{options}"


def print_wechat_steps(screen: Screen, plan: Plan) -> None:
    """Print whether WeChat issues tokens for the accounts, and the entries for WeChat's console."""
    accounts = Accounts.read(plan.settings.accounts_file)
    screen.console.print()
    asyncio.run(_print_tokens(screen, plan, accounts))
    ingress_url, public_url = url(plan.addresses.ingress), plan.settings.local_public_url
    lines = "\n  ".join(_console_entries(accounts, ingress_url=ingress_url, public_url=public_url))
    screen.console.print(Text(f"\n  {lines}\n\n  Ctrl-C stops everything.\n"), soft_wrap=True)


async def _print_tokens(screen: Screen, plan: Plan, accounts: Accounts) -> None:
    async with Client.open(url(plan.addresses.token), plan.credentials.api_keys["admin"]) as client:
        token, operations = client.bind(TokenService), client.bind(TokenOperations)
        for account in accounts:
            if account.secret is None or account.kind is AccountKind.COMPONENT:
                continue  # a platform's token needs the ticket that WeChat pushes later
            try:
                if account.classic_token:  # each fetch ends the token in use
                    await token.get(appid=account.appid)
                else:
                    await operations.refresh(appid=account.appid)
            except (RpcFailure, RpcUnavailable) as exc:
                reason = (exc.detail or exc.title) if isinstance(exc, RpcFailure) else str(exc)
                screen.warn(f"{account.name}: WeChat gives no access token: {reason}")
            else:
                screen.say(f"{account.name}: WeChat gave an access token")


def _console_entries(accounts: Accounts, *, ingress_url: str, public_url: str | None) -> Iterator[str]:
    """Yield the lines with the address to make reachable and the entries for WeChat's console."""
    yield f"WeChat must reach {ingress_url} by https, through a reverse proxy or a tunnel."
    if public_url is None:
        yield "Enter in WeChat's console, with your public name for YOUR.NAME (or set WXBUS_LOCAL_PUBLIC_URL):"
    else:
        yield "Enter in WeChat's console:"
    width = max((len(account.name) for account in accounts), default=0)
    for account in accounts:
        yield f"  {account.name:{width}}  {public_url or UNKNOWN_PUBLIC_URL}/wechat/{account.name}"
    yield "with the account's Token and EncodingAESKey. Put this machine's public address on the account's"
    yield "IP allow-list: WeChat gives tokens to no other address (errcode 40164 names the address that it saw)."
