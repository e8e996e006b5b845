"""Users of web pages."""

from typing import Literal

from pydantic import SecretStr

from wxbus.api.endpoints.oauth import OAuth, WebUser
from wxbus_sandbox.families.twin import Twin


class OAuthTwin(Twin, OAuth):
    """Knows the users whose codes were exchanged."""

    async def user_info(
        self, access_token: SecretStr, openid: str, *, language: Literal["zh_CN", "zh_TW", "en"] = "zh_CN"
    ) -> WebUser:
        """Return a made-up name."""
        user = self.call.sandbox.logins.web_user(access_token.get_secret_value(), openid)
        name = "Sandbox user" if language == "en" else "沙箱用户"
        return WebUser(openid=user.openid, nickname=name, unionid=user.unionid)

    async def check(self, access_token: SecretStr, openid: str) -> None:
        """Accept the tokens of users."""
        self.call.sandbox.logins.web_user(access_token.get_secret_value(), openid)
