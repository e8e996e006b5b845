"""Requests and answers of the token service."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Appid: TypeAlias = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
"""Printable ASCII, which every format can carry; it need not be a known account."""
SecretText: TypeAlias = Annotated[str, Field(pattern=r"^[!-~]{1,2048}$", repr=False)]
"""A token, ticket or code. WeChat's have about 150 characters and may grow to 512."""
TicketKind: TypeAlias = Literal["jsapi_ticket", "wx_card_ticket", "agent_ticket"]
CredentialKind: TypeAlias = Literal["jsapi_ticket", "wx_card_ticket", "agent_ticket", "component_access_token"]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Moment: TypeAlias = Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_whole)]
"""Seconds since the epoch; accepts 1.0, which JSON Schema calls an integer."""


class TokenMessage(BaseModel):
    """A message whose validation errors never show its values."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)


class TokenRequest(TokenMessage):
    """Asks for the access token of an account."""

    appid: Appid
    """Appid of the account."""


class ReportInvalidRequest(TokenRequest):
    """Reports that WeChat refused a token."""

    token: SecretText
    """The refused token."""


class TokenAnswer(TokenMessage):
    """The token to use now."""

    access_token: SecretText
    """For calls to WeChat."""
    expires_in: float = Field(gt=0)
    """Seconds until WeChat stops accepting it, at the latest."""


class CredentialRequest(TokenRequest):
    """Asks for another credential of an account."""

    kind: CredentialKind
    """WeChat's name for it."""


class ReportCredentialRequest(CredentialRequest):
    """Reports that WeChat refused a credential."""

    value: SecretText
    """The refused value."""


class CredentialAnswer(TokenMessage):
    """The value to use now."""

    value: SecretText
    """The ticket or token."""
    expires_in: float = Field(gt=0)
    """Seconds until WeChat stops accepting it, at the latest."""


class PlatformRequest(TokenMessage):
    """Names a third-party platform."""

    appid: Appid
    """Appid of the platform."""


class TicketDelivery(PlatformRequest):
    """Delivers a component_verify_ticket that WeChat pushed."""

    ticket: SecretText
    """`ComponentVerifyTicket`."""
    created_at: Moment
    """`CreateTime` of the push. An older ticket never replaces a newer one."""


class AuthorizationRequest(PlatformRequest):
    """Delivers the code of an account that authorised the platform."""

    authorization_code: SecretText
    """From the event or from the redirect of the browser."""
    authorizer_appid: Appid | None = None
    """Appid of the account, as in the event. If it is given, a repeated call with a used code succeeds."""


class Withdrawal(PlatformRequest):
    """Reports that an account withdrew its authorisation."""

    authorizer_appid: Appid
    """Appid of the account."""
    created_at: Moment
    """`CreateTime` of the push. A later authorisation stays valid."""


class Outcome(TokenMessage):
    """Whether the request changed anything."""

    done: bool
    """False: something newer is known, nothing was changed."""


class AuthorizerAnswer(TokenMessage):
    """An account that has authorised the platform."""

    appid: str
    """Appid of the account. Its token is requested like that of any other account."""
    authorized_at: int
    """Seconds since the epoch."""
    permissions: list[int]
    """WeChat's numbers of the permission sets; empty if unknown."""


class AuthorizerList(TokenMessage):
    """The accounts that have authorised the platform."""

    authorizers: list[AuthorizerAnswer]
    """Sorted by appid."""


class PreAuthCode(TokenMessage):
    """A code for one authorisation page."""

    pre_auth_code: SecretText
    """For one visitor."""
    expires_in: float = Field(gt=0)
    """Seconds until it expires."""


class Recovered(TokenMessage):
    """Result of reading WeChat's list of authorizers."""

    added: int
    """Number of accounts that were unknown before."""


class LoginRequest(TokenRequest):
    """Exchanges the login code of a Mini Program's user."""

    code: SecretText
    """From `wx.login`; valid once."""


class LoginAnswer(TokenMessage):
    """The user who logged in."""

    openid: str = Field(min_length=1, max_length=128)
    """Openid of the user in this account."""
    session_key: SecretText
    """Key of the user data that the Mini Program sends encrypted; it must stay on servers."""
    unionid: str | None = None
    """Unionid of the user in all accounts of the same open platform; None if WeChat does not return it."""


class WebLoginRequest(TokenRequest):
    """Exchanges the code with which WeChat redirected a user to a web page."""

    code: SecretText
    """The parameter `code` of the redirect; valid once, for five minutes."""


class WebRefreshRequest(TokenRequest):
    """Asks for new tokens of a user of a web page."""

    refresh_token: SecretText
    """The refresh token of the last answer."""


class WebLoginAnswer(TokenMessage):
    """The user of a web page, and the tokens of this user."""

    openid: str = Field(min_length=1, max_length=128)
    """Openid of the user in this account."""
    access_token: SecretText
    """For the user's own data, see `OAuth.user_info`."""
    expires_in: int = Field(gt=0)
    """Seconds until the access token expires."""
    refresh_token: SecretText
    """For new tokens; valid for 30 days."""
    scope: str = ""
    """`snsapi_base` or `snsapi_userinfo`."""
    unionid: str | None = None
    """Unionid of the user in all accounts of the same open platform; None if WeChat does not return it."""
    is_snapshot: bool = False
    """Whether the openid is that of a virtual visitor."""


class QuotaReset(TokenMessage):
    """The quotas were reset."""
