"""Finds the account that another program names."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account
from wxbus.errors import UnknownAccount

APPID: Final = re.compile("wx[0-9a-f]{16}")


class AccountFinder:
    """Returns accounts by name or appid."""

    def __init__(self, accounts: Callable[[], Accounts]) -> None:
        """`accounts` returns the current accounts."""
        self._accounts = accounts

    def __call__(self, name: str) -> Account:
        """Return the account with this name or appid, which may have authorised a platform.

        Raises:
            UnknownAccount: There is none.
        """
        accounts = self._accounts()
        searches: list[Callable[[str], Account]] = [accounts.named, accounts.of]
        if APPID.fullmatch(name):
            searches.append(accounts.owner_of)
        for search in searches:
            with suppress(UnknownAccount):
                return search(name)
        raise UnknownAccount(f"there is no account {name}")
