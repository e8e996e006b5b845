"""Declarations of the services that other services call; `wxbus_token.api` implements them."""

from abc import ABC, abstractmethod

from wxbus.rpc import method, service
from wxbus.tokens.messages import (
    AuthorizationRequest,
    AuthorizerAnswer,
    AuthorizerList,
    CredentialAnswer,
    CredentialRequest,
    LoginAnswer,
    LoginRequest,
    Outcome,
    PlatformRequest,
    PreAuthCode,
    QuotaReset,
    Recovered,
    ReportCredentialRequest,
    ReportInvalidRequest,
    TicketDelivery,
    TokenAnswer,
    TokenRequest,
    WebLoginAnswer,
    WebLoginRequest,
    WebRefreshRequest,
    Withdrawal,
)


@service("token")
class TokenService(ABC):
    """Access tokens and other credentials of accounts."""

    @method(TokenRequest, scopes=["token:get:{appid}"])
    @abstractmethod
    async def get(self, request: TokenRequest) -> TokenAnswer:
        """Return the account's valid access token."""

    @method(ReportInvalidRequest, scopes=["token:report_invalid:{appid}"])
    @abstractmethod
    async def report_invalid(self, request: ReportInvalidRequest) -> TokenAnswer:
        """Return the token to use instead of one that WeChat called invalid; the same token if WeChat accepts it."""

    @method(CredentialRequest, scopes=["token:{kind}:{appid}"])
    @abstractmethod
    async def get_credential(self, request: CredentialRequest) -> CredentialAnswer:
        """Return the account's valid ticket, or the platform's own token."""

    @method(ReportCredentialRequest, scopes=["token:{kind}:{appid}"])
    @abstractmethod
    async def report_credential(self, request: ReportCredentialRequest) -> CredentialAnswer:
        """Return the ticket or token to use instead of one that WeChat called invalid; the same one if it is valid."""


@service("component")
class ComponentService(ABC):
    """Events of third-party platforms, and their authorizers."""

    @method(TicketDelivery, scopes=["component:deliver_ticket:{appid}"])
    @abstractmethod
    async def deliver_ticket(self, request: TicketDelivery) -> Outcome:
        """Store a component_verify_ticket that WeChat pushed."""

    @method(AuthorizationRequest, scopes=["component:authorize:{appid}"])
    @abstractmethod
    async def authorize(self, request: AuthorizationRequest) -> AuthorizerAnswer:
        """Exchange an authorisation code; the account's token is available from now on."""

    @method(Withdrawal, scopes=["component:unauthorize:{appid}"])
    @abstractmethod
    async def unauthorize(self, request: Withdrawal) -> Outcome:
        """Delete the tokens of an account that has withdrawn its authorisation."""

    @method(PlatformRequest, scopes=["component:authorizers:{appid}"])
    @abstractmethod
    async def authorizers(self, request: PlatformRequest) -> AuthorizerList:
        """Return the accounts that have authorised the platform."""

    @method(PlatformRequest, scopes=["component:pre_auth_code:{appid}"])
    @abstractmethod
    async def pre_auth_code(self, request: PlatformRequest) -> PreAuthCode:
        """Return a new code for the page on which one visitor authorises the platform."""

    @method(PlatformRequest, scopes=["component:recover:{appid}"])
    @abstractmethod
    async def recover(self, request: PlatformRequest) -> Recovered:
        """Add the unknown authorizers of WeChat's list."""


@service("login")
class LoginService(ABC):
    """Logins of users of Mini Programs and web pages."""

    @method(LoginRequest, scopes=["login:exchange:{appid}"])
    @abstractmethod
    async def exchange(self, request: LoginRequest) -> LoginAnswer:
        """Exchange a login code, which is valid once; failures name WeChat's errcode in `type`."""

    @method(WebLoginRequest, scopes=["login:exchange_web:{appid}"])
    @abstractmethod
    async def exchange_web(self, request: WebLoginRequest) -> WebLoginAnswer:
        """Exchange the code of a user of a web page of an Official Account, which is valid once."""

    @method(WebRefreshRequest, scopes=["login:refresh_web:{appid}"])
    @abstractmethod
    async def refresh_web(self, request: WebRefreshRequest) -> WebLoginAnswer:
        """Return new tokens of a user of a web page."""


@service("quota")
class QuotaService(ABC):
    """Quotas of calls to WeChat."""

    @method(TokenRequest, scopes=["quota:reset:{appid}"])
    @abstractmethod
    async def reset(self, request: TokenRequest) -> QuotaReset:
        """Reset the daily quotas of all endpoints of an account; WeChat allows it 10 times a month."""
