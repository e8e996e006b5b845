"""Accounts of the open platform."""

import secrets
from typing import Final

from wxbus.api.endpoints.open_accounts import OpenAccounts
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

WRONG_APPID: Final = 40013
BOUND: Final = 89000
NOT_SAME_OWNER: Final = 89001
NOT_BOUND: Final = 89002


class OpenAccountState(Part):
    """To which account of the open platform an account is bound."""

    def __init__(self) -> None:
        self.open_appid = ""


class OpenAccountsTwin(Twin, OpenAccounts):
    """Keeps the binding of the calling account."""

    async def create(self, appid: str) -> str:
        """Create an account and bind the calling one."""
        state = self._own(appid)
        if state.open_appid:
            raise ApiError(BOUND)
        state.open_appid = f"wx{secrets.token_hex(8)}"
        return state.open_appid

    async def bind(self, appid: str, open_appid: str) -> None:
        """Bind the calling account."""
        state = self._own(appid)
        if state.open_appid:
            raise ApiError(BOUND)
        state.open_appid = open_appid

    async def unbind(self, appid: str, open_appid: str) -> None:
        """Unbind the calling account."""
        state = self._own(appid)
        if state.open_appid != open_appid:
            raise ApiError(NOT_SAME_OWNER)
        state.open_appid = ""

    async def find(self, appid: str) -> str:
        """Return the account."""
        found = self._own(appid).open_appid
        if not found:
            raise ApiError(NOT_BOUND)
        return found

    async def is_bound(self) -> bool:
        """Return whether the calling account is bound."""
        return self.call.state(OpenAccountState).open_appid != ""

    def _own(self, appid: str) -> OpenAccountState:
        if appid != self.call.account.appid:
            raise ApiError(WRONG_APPID)
        return self.call.state(OpenAccountState)
