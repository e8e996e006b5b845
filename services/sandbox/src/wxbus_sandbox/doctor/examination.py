"""All checks of one address, in their order."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from wxbus.accounts.models import Account
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.doctor.address import check_address
from wxbus_sandbox.doctor.attacks import check_bombs, check_forgeries
from wxbus_sandbox.doctor.findings import Finding, Level, skipped
from wxbus_sandbox.doctor.messages import check_messages, check_repeats
from wxbus_sandbox.doctor.target import Target
from wxbus_sandbox.settings import Rules


async def examine(target: Target) -> AsyncGenerator[Finding]:
    """Yield the finding of each check; without a verification the others are left out."""
    verified = True
    async for finding in check_address(target):
        yield finding
        verified = verified and (finding.check != "verification" or finding.level is Level.OK)
    if not verified:
        yield skipped("all other checks", "WeChat pushes nothing to an address that is not verified")
        return
    for check in (check_messages, check_repeats, check_forgeries, check_bombs):
        async for finding in check(target):
            yield finding


@asynccontextmanager
async def open_target(url: str, account: Account, *, form: Format, rules: Rules) -> AsyncIterator[Target]:
    """Yield the callback address of an account, whose first mode is used.

    Raises:
        ConfigurationError: The account has no token.
    """
    connector = aiohttp.TCPConnector(force_close=True)  # WeChat's attempts are connections of their own
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        mode = account.modes[0] if account.keys and account.keys[0].aes_key else Mode.PLAIN
        yield Target(session, url, account, mode, form, rules)
