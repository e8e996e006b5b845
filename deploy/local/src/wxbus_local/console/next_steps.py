"""Prints what to do next when all parts are ready."""

import asyncio
import contextlib
import sys
from pathlib import Path

from rich.text import Text

from wxbus.accounts.accounts import Accounts
from wxbus_local.console.screen import Screen
from wxbus_local.real import first_tokens, to_enter
from wxbus_local.stack.addresses import Addresses, url
from wxbus_local.stack.plan import Plan


def invite(screen: Screen, addresses: Addresses) -> None:
    """Print how to send a first message from the sandbox."""
    sandbox = addresses.sandbox_url
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(Path.cwd())
    usual = "" if addresses.sandbox == 8082 else f" --url {sandbox}"
    screen.console.print(
        Text.assemble(
            "\n  Send a first message, in a second terminal:\n\n",
            (f"    {python} -m wxbus_sandbox send text hello{usual}\n", "bold cyan"),
            f"\n  or look at {sandbox}. Ctrl-C stops everything.\n",
        ),
        soft_wrap=True,
    )


def invite_wechat(screen: Screen, plan: Plan) -> None:
    """Print whether WeChat gives tokens for the accounts, and what to enter in its console."""
    accounts = Accounts.read(plan.settings.accounts_file)
    screen.console.print()
    asyncio.run(_show_tokens(screen, plan, accounts))
    ingress, public = url(plan.addresses.ingress), plan.settings.local_public_url
    lines = "\n  ".join(to_enter(accounts, ingress_url=ingress, public_url=public))
    screen.console.print(Text(f"\n  {lines}\n\n  Ctrl-C stops everything.\n"), soft_wrap=True)


async def _show_tokens(screen: Screen, plan: Plan, accounts: Accounts) -> None:
    token_url, key = url(plan.addresses.token), plan.credentials.admin_api_key
    async for account, reason in first_tokens(token_url, key, accounts):
        if reason:
            screen.warn(f"{account.name}: WeChat gives no access token: {reason}")
        else:
            screen.say(f"{account.name}: WeChat gave an access token")
