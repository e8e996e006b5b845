"""Logins to web pages of Official Accounts and websites (OAuth 2).

The code of a redirect is exchanged by the token service, which has the AppSecret:
`wxbus.tokens.services.LoginService.exchange_web`.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, OpenId, Secret, get

PAGE: Final = "https://open.weixin.qq.com/connect/"
MAX_STATE: Final = 128


class WebUser(Answer):
    """The user data that a web page gets."""

    openid: str
    nickname: str = ""
    picture_url: str = Field(default="", alias="headimgurl")
    unionid: str = ""
    sex: int = 0
    """1 male, 2 female, 0 unknown."""
    country: str = ""
    province: str = ""
    city: str = ""
    privilege: tuple[str, ...] = ()


class OAuth(Family):
    """Users of web pages. The tokens here are those of one user, not that of the account."""

    title = "网页授权"

    @staticmethod
    def authorize_url(
        appid: str,
        redirect_uri: str,
        *,
        scope: Literal["snsapi_base", "snsapi_userinfo"] = "snsapi_base",
        state: str = "",
        component_appid: str | None = None,
    ) -> str:
        """Return the address to which a page inside of WeChat redirects its user.

        WeChat redirects back to `redirect_uri` with `code` and `state`.

        Args:
            appid: The Official Account.
            redirect_uri: On a domain that WeChat's console lists.
            scope: "snsapi_userinfo" also gives name and picture, if the user permits it.
            state: Up to 128 letters and digits, which WeChat returns; it protects against forged redirects.
            component_appid: The third-party platform that acts for the account.

        Raises:
            ValueError: `state` is too long or has other characters.
        """
        more = {"component_appid": component_appid} if component_appid else {}
        return _page("oauth2/authorize", appid, redirect_uri, scope, state, more)

    @staticmethod
    def qr_login_url(appid: str, redirect_uri: str, *, state: str = "") -> str:
        """Return the address of a page with a QR code, by which users log in to a website; as `authorize_url`."""
        return _page("qrconnect", appid, redirect_uri, "snsapi_login", state, {})

    @get(
        "/sns/userinfo",
        name="snsUserInfo",
        title="获取授权用户信息",
        repeat=Repeat.READ,
        errcodes=(40003, 40014, 48001),
        token=False,
    )
    async def user_info(
        self,
        access_token: Secret,
        openid: OpenId,
        *,
        language: Annotated[Literal["zh_CN", "zh_TW", "en"], Key("lang")] = "zh_CN",
    ) -> WebUser:
        """Return name and picture of a user who permitted it (`snsapi_userinfo`); `access_token` is the user's."""

    @get(
        "/sns/auth",
        name="snsAuth",
        title="检验授权凭证",
        repeat=Repeat.READ,
        errcodes=(40003, 40014),
        token=False,
    )
    async def check(self, access_token: Secret, openid: OpenId) -> None:
        """Check that the access token of a user is valid; TokenInvalid if it is not."""


def _page(path: str, appid: str, redirect_uri: str, scope: str, state: str, more: Mapping[str, str]) -> str:
    if len(state) > MAX_STATE or not (state == "" or (state.isascii() and state.isalnum())):
        raise ValueError(f"state must have at most {MAX_STATE} letters and digits")
    query = {  # WeChat requires this order
        "appid": appid,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": scope,
        "state": state,
        **more,
    }
    return f"{PAGE}{path}?{urlencode(query)}#wechat_redirect"
