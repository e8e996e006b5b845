"""For real accounts: whether WeChat gives tokens, and what to enter in its console."""

from collections.abc import AsyncIterator, Iterator

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import RpcFailure, RpcUnavailable
from wxbus.rpc import Client
from wxbus.tokens.services import TokenService

YOUR_NAME = "https://YOUR.NAME"
"""Stands for the public address where it is not known."""


async def first_tokens(token_url: str, api_key: str, accounts: Accounts) -> AsyncIterator[tuple[Account, str]]:
    """Yield each account that has a secret with the reason why WeChat gives no token, "" if it gave one."""
    async with Client.open(token_url, api_key) as client:
        token = client.bind(TokenService)
        for account in accounts:
            if account.secret is None or account.kind is AccountKind.COMPONENT:
                continue  # a platform's token needs the ticket that WeChat pushes later
            try:
                await token.get(appid=account.appid)
            except (RpcFailure, RpcUnavailable) as exc:
                yield account, (exc.detail or exc.title) if isinstance(exc, RpcFailure) else str(exc)
            else:
                yield account, ""


def to_enter(accounts: Accounts, *, ingress_url: str, public_url: str | None) -> Iterator[str]:
    """Yield the lines that say what to make reachable and what to enter in WeChat's console."""
    yield f"WeChat must reach {ingress_url} by https, through a reverse proxy or a tunnel."
    if public_url is None:
        yield "Enter in WeChat's console, with its public name for YOUR.NAME (or set WXBUS_LOCAL_PUBLIC_URL):"
    else:
        yield "Enter in WeChat's console:"
    longest = max((len(account.name) for account in accounts), default=0)
    for account in accounts:
        yield f"  {account.name:{longest}}  {public_url or YOUR_NAME}/wechat/{account.name}"
    yield "with the account's Token and EncodingAESKey. Put this machine's public address on the account's"
    yield "IP allow-list: to any other address WeChat gives no token (errcode 40164 names the address it saw)."
