"""Third-party platforms: the messages of the token service about them, and a client (protocol reference 8.3)."""

from typing import TypeVar

from pydantic import BaseModel, Field

from wxbus.errors import RpcFailure, RpcUnavailable, TokenUnavailable
from wxbus.rpc.client import Client
from wxbus.tokens.messages import Appid, Moment, SecretText, TokenMessage, unavailable

A = TypeVar("A", bound=BaseModel)

ATTEMPTS = 3


class PlatformRequest(TokenMessage):
    """Which platform is meant."""

    appid: Appid
    """Of the platform."""


class TicketDelivery(PlatformRequest):
    """WeChat pushed a component_verify_ticket."""

    ticket: SecretText
    """`ComponentVerifyTicket`."""
    created_at: Moment
    """`CreateTime` of the push: an older one never replaces a newer."""


class AuthorizationRequest(PlatformRequest):
    """Somebody authorised the platform."""

    authorization_code: SecretText
    """Of the event, or of the address that the browser came back to."""
    authorizer_appid: Appid | None = None
    """The account, if it is known, as in the event: then a code that was lost on the way does no harm."""


class Withdrawal(PlatformRequest):
    """An account withdrew its authorisation."""

    authorizer_appid: Appid
    """The account."""
    created_at: Moment
    """`CreateTime` of the push: an authorisation after that stays."""


class Outcome(TokenMessage):
    """What became of it."""

    done: bool
    """False: something newer is known, nothing was changed."""


class AuthorizerAnswer(TokenMessage):
    """An account that has authorised the platform."""

    appid: str
    """Of the account: its token is got as that of any other."""
    authorized_at: int
    """Seconds since the epoch."""
    permissions: list[int]
    """WeChat's numbers of the permission sets; empty if they are not known."""


class AuthorizerList(TokenMessage):
    """The accounts that have authorised the platform."""

    authorizers: list[AuthorizerAnswer]
    """By appid."""


class PreAuthCode(TokenMessage):
    """A code for one page of authorisation."""

    pre_auth_code: SecretText
    """For one visitor."""
    expires_in: float = Field(gt=0)
    """Seconds until it expires."""


class Recovered(TokenMessage):
    """What was taken from WeChat's list of authorisers."""

    taken: int
    """Accounts that were not known."""


class ComponentClient:
    """Tells the token service of a third-party platform's events, and asks it about authorisers.

    Every method raises:
        TokenUnavailable: The service or WeChat cannot be asked just now; TokenRefused if waiting does not help.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def deliver_ticket(self, appid: str, ticket: str, *, created_at: int) -> bool:
        """Hand over a component_verify_ticket; False if a newer one is known."""
        request = TicketDelivery(appid=appid, ticket=ticket, created_at=created_at)
        return (await self._call("deliver_ticket", request, Outcome)).done

    async def authorize(self, appid: str, code: str, *, authorizer_appid: str | None = None) -> AuthorizerAnswer:
        """Return the account that an authorisation code stands for: its tokens can be had from now on.

        Raises:
            RpcFailure: 422: the code is wrong, expired or used, or the account has withdrawn.
        """
        request = AuthorizationRequest(appid=appid, authorization_code=code, authorizer_appid=authorizer_appid)
        return await self._call("authorize", request, AuthorizerAnswer)

    async def unauthorize(self, appid: str, authorizer_appid: str, *, created_at: int) -> bool:
        """Drop an account's tokens; False if it has authorised the platform anew since."""
        request = Withdrawal(appid=appid, authorizer_appid=authorizer_appid, created_at=created_at)
        return (await self._call("unauthorize", request, Outcome)).done

    async def authorizers(self, appid: str) -> list[AuthorizerAnswer]:
        """Return the accounts that have authorised the platform."""
        return (await self._call("authorizers", PlatformRequest(appid=appid), AuthorizerList)).authorizers

    async def pre_auth_code(self, appid: str) -> PreAuthCode:
        """Return a new code for the page on which one visitor authorises the platform."""
        return await self._call("pre_auth_code", PlatformRequest(appid=appid), PreAuthCode)

    async def recover(self, appid: str) -> int:
        """Let the service take from WeChat's list the authorisers that it does not know; return how many."""
        return (await self._call("recover", PlatformRequest(appid=appid), Recovered)).taken

    async def _call(self, method: str, request: BaseModel, answer: type[A]) -> A:
        try:
            return await self._client.call("component", method, request, answer, attempts=ATTEMPTS)
        except RpcUnavailable as exc:
            raise TokenUnavailable(f"the token service does not answer: {exc}", retry_after=1.0) from exc
        except RpcFailure as exc:
            if exc.status == 422:
                raise
            raise unavailable(exc) from exc
