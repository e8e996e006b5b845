"""Members and customers who open a web page in WeCom (OAuth, WeCom reference 4.3)."""

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Secret, get, post

PAGE: Final = "https://open.weixin.qq.com/connect/oauth2/authorize"

Code = Annotated[Secret, Field(min_length=1, max_length=512)]


class WebMember(Answer):
    """The user who opened the page: a member (`userid`), or another user (`openid`)."""

    userid: str = ""
    user_ticket: str = Field(default="", repr=False)
    """For `details` within 30 minutes, if the scope is `snsapi_privateinfo`."""
    openid: str = ""
    external_userid: str = ""


class MemberDetails(Answer):
    """The data that a member released."""

    userid: str
    gender: str = ""
    """1 male, 2 female."""
    avatar: str = ""
    qr_code: str = ""
    mobile: str = ""
    email: str = ""
    biz_mail: str = ""
    address: str = ""


class MiniProgramMember(Answer):
    """A member who opened the corp's Mini Program."""

    corpid: str = ""
    userid: str = ""
    session_key: str = Field(default="", repr=False)


class WebUsers(Family):
    """Users who open a web page of the corp."""

    title = "企业微信：网页授权"
    kinds = ("wecom",)

    @staticmethod
    def authorize_url(
        corpid: str,
        redirect_uri: str,
        *,
        agent_id: int | None = None,
        scope: Literal["snsapi_base", "snsapi_privateinfo"] = "snsapi_base",
        state: str = "",
    ) -> str:
        """Return the address to which a page in WeCom redirects its user; WeCom redirects back with `code`.

        Args:
            corpid: The corp.
            redirect_uri: On a domain that WeCom's console lists.
            agent_id: The application; needed for "snsapi_privateinfo".
            scope: "snsapi_privateinfo" also gives the data that the member permits.
            state: Up to 128 letters and digits, which WeCom returns; it protects against forged redirects.

        Raises:
            ValueError: `agent_id` is missing, or `state` is too long or has other characters.
        """
        if scope == "snsapi_privateinfo" and agent_id is None:
            raise ValueError("agent_id: snsapi_privateinfo needs it")
        if len(state) > 128 or not (state.isascii() and (state.isalnum() or not state)):
            raise ValueError("state: up to 128 letters and digits are allowed")
        query = {"appid": corpid, "redirect_uri": redirect_uri, "response_type": "code", "scope": scope, "state": state}
        more = {} if agent_id is None else {"agentid": str(agent_id)}
        return f"{PAGE}?{urlencode({**query, **more})}#wechat_redirect"

    @get("/cgi-bin/auth/getuserinfo", title="获取访问用户身份", repeat=Repeat.NEVER, errcodes=(40029,))
    async def identify(self, code: Code) -> WebMember:
        """Return the user who opened the page; a code is valid once, for five minutes."""

    @post("/cgi-bin/auth/getuserdetail", title="获取访问用户敏感信息", repeat=Repeat.READ, errcodes=(84014, 84015))
    async def details(self, user_ticket: Annotated[Secret, Field(min_length=1, max_length=512)]) -> MemberDetails:
        """Return the data that a member released to the page."""

    @get(
        "/cgi-bin/miniprogram/jscode2session",
        title="小程序登录",
        repeat=Repeat.NEVER,
        errcodes=(40029,),
        fixed={"grant_type": "authorization_code"},
    )
    async def identify_in_mini_program(self, js_code: Annotated[Secret, Field(min_length=1)]) -> MiniProgramMember:
        """Return the member for a code of `wx.qy.login`."""
