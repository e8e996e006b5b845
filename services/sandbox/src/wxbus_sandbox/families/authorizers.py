"""The accounts that have authorised a third-party platform (protocol reference 8.3)."""

from typing import Final

from wxbus.api.endpoints.authorizers import (
    AuthorizerDetails,
    AuthorizerEntry,
    AuthorizerGrant,
    AuthorizerOption,
    AuthorizerPage,
    AuthorizerProfile,
    Authorizers,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.platforms import PERMISSIONS
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

UNKNOWN_APPID: Final = 40013


class AuthorizerOptions(Part):
    """The options of the accounts of one platform."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}
        """By appid and name."""


class AuthorizersTwin(Twin, Authorizers):
    """Returns what accounts granted, with their refresh tokens."""

    async def find(self, component_appid: str, authorizer_appid: str) -> AuthorizerDetails:
        """Return an account."""
        found = self.call.sandbox.platforms.authorization(self._platform(component_appid), authorizer_appid)
        grant = AuthorizerGrant.model_validate(
            {
                "authorizer_appid": found.appid,
                "func_info": [{"funcscope_category": {"id": number}} for number in PERMISSIONS],
                "authorizer_refresh_token": found.refresh_token,
            }
        )
        profile = AuthorizerProfile(nick_name=found.appid)
        return AuthorizerDetails(authorizer_info=profile, authorization_info=grant)

    async def page(self, component_appid: str, *, offset: int = 0, count: int = 500) -> AuthorizerPage:
        """Return accounts."""
        found = self.call.sandbox.platforms.authorizations(self._platform(component_appid))
        listed = tuple(
            AuthorizerEntry.model_validate(
                {"authorizer_appid": one.appid, "auth_time": one.authorized_at, "refresh_token": one.refresh_token}
            )
            for one in found[offset : offset + count]
        )
        return AuthorizerPage(total_count=len(found), items=listed)

    async def option(self, component_appid: str, authorizer_appid: str, name: str) -> AuthorizerOption:
        """Return an option; all are off at first."""
        self.call.sandbox.platforms.authorization(self._platform(component_appid), authorizer_appid)
        value = self.call.state(AuthorizerOptions).values.get((authorizer_appid, name), "0")
        return AuthorizerOption(option_name=name, option_value=value)

    async def set_option(self, component_appid: str, authorizer_appid: str, name: str, value: str) -> None:
        """Set an option."""
        self.call.sandbox.platforms.authorization(self._platform(component_appid), authorizer_appid)
        self.call.state(AuthorizerOptions).values[authorizer_appid, name] = value

    def _platform(self, appid: str) -> str:
        if appid != self.call.account.appid:
            raise ApiError(UNKNOWN_APPID)
        return appid
